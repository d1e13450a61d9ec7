package fields

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Nothing is shown for a field that has no value.
const Nothing = "-"

// Show answers a field as a person reads it: enums without their prefix, one line for each message of a list.
func Show(m protoreflect.Message, field protoreflect.FieldDescriptor, at func(time.Time) string) string {
	value := m.Get(field)
	switch {
	case field.IsList() && field.Message() != nil:
		lines := []string{}
		for i := range value.List().Len() {
			lines = append(lines, fmt.Sprintf("%d. %s", i+1, inline(value.List().Get(i).Message(), at)))
		}
		return orNothing(strings.Join(lines, "\n"))
	case field.IsList():
		parts := []string{}
		for i := range value.List().Len() {
			parts = append(parts, single(field, value.List().Get(i), at))
		}
		return orNothing(strings.Join(parts, ", "))
	case field.HasPresence() && !m.Has(field):
		return Nothing
	}
	return orNothing(single(field, value, at))
}

func orNothing(text string) string {
	if text == "" {
		return Nothing
	}
	return text
}

func single(field protoreflect.FieldDescriptor, value protoreflect.Value, at func(time.Time) string) string {
	switch field.Kind() {
	case protoreflect.EnumKind:
		return EnumText(field.Enum(), value.Enum())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if stamp, ok := value.Message().Interface().(*timestamppb.Timestamp); ok {
			return at(stamp.AsTime())
		}
		if d, ok := value.Message().Interface().(*durationpb.Duration); ok {
			return d.AsDuration().String()
		}
		return inline(value.Message(), at)
	default:
		return value.String()
	}
}

// EnumText answers the name of a value without its enum's prefix; nothing for the unspecified one.
func EnumText(e protoreflect.EnumDescriptor, number protoreflect.EnumNumber) string {
	if number == 0 {
		return ""
	}
	if v := e.Values().ByNumber(number); v != nil {
		return strings.TrimPrefix(string(v.Name()), prefix(e))
	}
	return fmt.Sprint(number) // from a newer server
}

// inline answers the set fields of a message in one line.
func inline(m protoreflect.Message, at func(time.Time) string) string {
	var parts []string
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		if !m.Has(field) {
			continue
		}
		text := Show(m, field, at)
		if field.Message() != nil || field.IsList() {
			text = "(" + strings.ReplaceAll(text, "\n", "; ") + ")"
		} else if strings.ContainsAny(text, " =") {
			text = fmt.Sprintf("%q", text)
		}
		parts = append(parts, string(field.Name())+"="+text)
	}
	return strings.Join(parts, " ")
}
