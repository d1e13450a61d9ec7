package settings

import (
	"errors"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// maxViolations bounds how many wrong fields are told at once, because they travel in a header of the answer.
const maxViolations = 20

// Check applies the rules written in the .proto to any message. Its error is an *InvalidError when a rule is broken.
func Check(m proto.Message) error {
	err := protovalidate.Validate(m)
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return err
	}
	invalid := &InvalidError{}
	for _, v := range broken.Violations[:min(len(broken.Violations), maxViolations)] {
		invalid.Violations = append(invalid.Violations, Violation{
			Field:       protovalidate.FieldPathString(v.Proto.GetField()),
			Description: v.Proto.GetMessage(),
		})
	}
	return invalid
}

// CheckTeam applies the rules of the .proto and those that join several fields: who wants notifications says where to.
func CheckTeam(t *settingsv1.TeamSettings) error {
	if err := Check(t); err != nil {
		return err
	}
	if !t.GetNotificationsEnabled() {
		return nil
	}
	invalid := &InvalidError{}
	for _, field := range []struct{ name, value string }{{"workspace", t.GetWorkspace()}, {"channel", t.GetChannel()}} {
		if field.value == "" {
			invalid.Violations = append(invalid.Violations, Violation{
				Field:       field.name,
				Description: fmt.Sprintf("%s is needed while notifications_enabled is true", field.name),
			})
		}
	}
	if len(invalid.Violations) > 0 {
		return invalid
	}
	return nil
}
