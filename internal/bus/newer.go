package bus

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/retry"
)

const (
	// mixed is how long two versions may serve the same queues: a rolling update, with room to spare.
	mixed = 15 * time.Minute
	// another is after how long a message is offered again, perhaps to a replica of the next version.
	another = 2 * time.Second
)

// Unread reports whether message says something that this version has no field for.
func Unread(message proto.Message) bool { return len(message.ProtoReflect().GetUnknown()) > 0 }

// NotYet answers the error of a message whose kind this version does not know: during a rolling update a replica of the next version takes it, and
// what is behind it waits. When none has come, it is given up for DEAD, where the next version can replay it from.
func NotYet(m Message, what string) error {
	err := fmt.Errorf("%s is %s that this version does not know", m.Subject, what)
	if !m.StoredAt.IsZero() && time.Since(m.StoredAt) > mixed {
		return retry.Malformed(err)
	}
	return retry.After(another, err)
}
