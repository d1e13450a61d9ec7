// Package natsusers tries the NATS users of deploy/k8s on a real server: each may do what its service does, nothing else.
package natsusers
