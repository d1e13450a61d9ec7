package stack

// StopNATS ends the NATS server of this process, as an outage does. It does not come back.
func (s *Stack) StopNATS() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}
