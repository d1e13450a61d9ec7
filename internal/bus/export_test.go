package bus

import "time"

// SetAckWait shortens how long the message of a replica that died waits. Call it before anything is served.
func (b *Bus) SetAckWait(d time.Duration) { b.ackWait = d }

// Buckets describes them as the client library takes it.
var Buckets = buckets
