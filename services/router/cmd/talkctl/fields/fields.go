// Package fields reads and shows the fields of a message by their names, as its descriptor has them.
package fields

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"sigs.k8s.io/yaml"
)

// serverOwn are fields that only the server writes.
var serverOwn = []protoreflect.Name{"name", "etag", "update_time"}

// Settable answers the fields that a caller may set, in the contract's order.
func Settable(message protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var found []protoreflect.FieldDescriptor
	for i := range message.Fields().Len() {
		if field := message.Fields().Get(i); !slices.Contains(serverOwn, field.Name()) {
			found = append(found, field)
		}
	}
	return found
}

// Find answers the field of a name, `mention_policy` or `mentionPolicy`; the error lists what there is.
func Find(message protoreflect.MessageDescriptor, name string) (protoreflect.FieldDescriptor, error) {
	var names []string
	for _, field := range Settable(message) {
		if string(field.Name()) == name || field.JSONName() == name {
			return field, nil
		}
		names = append(names, string(field.Name()))
	}
	return nil, fmt.Errorf("%q is not a field that can be set; the fields are %s", name, strings.Join(names, ", "))
}

// Set sets one field to a value as it is typed. Several ids are separated by commas; an empty value sets the default; `@file` takes what the
// file holds; fields that are messages are JSON or YAML.
func Set(m proto.Message, field protoreflect.FieldDescriptor, value string, read func(path string) ([]byte, error)) error {
	if path, ok := strings.CutPrefix(value, "@"); ok {
		raw, err := read(path)
		if err != nil {
			return fmt.Errorf("%s: %w", field.Name(), err)
		}
		value = strings.TrimSpace(string(raw))
	}
	target := m.ProtoReflect()
	target.Clear(field)
	if value == "" {
		return nil
	}
	var err error
	switch {
	case !field.IsList() && field.Message() != nil && field.Message().FullName() == durationName:
		err = setDuration(target, field, value)
	case field.Message() != nil:
		err = setJSON(m, field, value)
	case field.IsList():
		err = setList(target.Mutable(field).List(), field, value)
	default:
		var v protoreflect.Value
		if v, err = scalar(field, value); err == nil {
			target.Set(field, v)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", field.Name(), err)
	}
	return nil
}

const durationName = "google.protobuf.Duration"

// setDuration sets a field to a time like 10m or 1h30m.
func setDuration(target protoreflect.Message, field protoreflect.FieldDescriptor, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("%q is no duration like 10m or 1h30m", value)
	}
	target.Set(field, protoreflect.ValueOfMessage(durationpb.New(d).ProtoReflect()))
	return nil
}

func setList(list protoreflect.List, field protoreflect.FieldDescriptor, value string) error {
	for part := range strings.SplitSeq(strings.Trim(value, "[]"), ",") {
		v, err := scalar(field, strings.Trim(strings.TrimSpace(part), `"`))
		if err != nil {
			return err
		}
		list.Append(v)
	}
	return nil
}

// setJSON sets a field that is a message, or a list of them, from JSON or YAML.
func setJSON(m proto.Message, field protoreflect.FieldDescriptor, value string) error {
	raw, err := toJSON([]byte(value))
	if err != nil {
		return errors.New("is neither JSON nor YAML")
	}
	object, err := json.Marshal(map[string]json.RawMessage{string(field.Name()): raw})
	if err != nil {
		return err
	}
	only := m.ProtoReflect().New()
	if err := protojson.Unmarshal(object, only.Interface()); err != nil {
		return reworded(err)
	}
	m.ProtoReflect().Set(field, only.Get(field))
	return nil
}

func scalar(field protoreflect.FieldDescriptor, value string) (protoreflect.Value, error) {
	switch field.Kind() {
	case protoreflect.BoolKind:
		b, err := boolean(value)
		return protoreflect.ValueOfBool(b), err
	case protoreflect.EnumKind:
		return enum(field.Enum(), value)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(value), nil
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(value, 10, 32)
		return protoreflect.ValueOfInt32(int32(n)), err
	default:
		return protoreflect.Value{}, fmt.Errorf("this talkctl cannot set a %s", field.Kind())
	}
}

func boolean(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", value)
}

func enum(e protoreflect.EnumDescriptor, value string) (protoreflect.Value, error) {
	wanted := protoreflect.Name(strings.ToUpper(value))
	for _, name := range []protoreflect.Name{protoreflect.Name(prefix(e)) + wanted, wanted} {
		if v := e.Values().ByName(name); v != nil {
			return protoreflect.ValueOfEnum(v.Number()), nil
		}
	}
	return protoreflect.Value{}, fmt.Errorf("%q is not one of %s", value, strings.Join(enumNames(e), ", "))
}

// prefix answers what every value of an enum begins with.
func prefix(e protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(e.Values().Get(0).Name()), "UNSPECIFIED")
}

// enumNames answers the values that mean something, without what they all begin with.
func enumNames(e protoreflect.EnumDescriptor) []string {
	var names []string
	for i := 1; i < e.Values().Len(); i++ {
		names = append(names, strings.TrimPrefix(string(e.Values().Get(i).Name()), prefix(e)))
	}
	return names
}

// Values answers what a field may be set to, where that is a short list.
func Values(field protoreflect.FieldDescriptor) []string {
	switch {
	case field.IsList():
		return nil
	case field.Kind() == protoreflect.BoolKind:
		return []string{"true", "false"}
	case field.Kind() == protoreflect.EnumKind:
		return enumNames(field.Enum())
	}
	return nil
}

// Document reads a YAML or JSON object into a message and answers which of the settable fields it names.
func Document(raw []byte, m proto.Message) ([]protoreflect.FieldDescriptor, error) {
	object, err := toJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("not YAML or JSON: %w", err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(object, &parts); err != nil || parts == nil {
		return nil, errors.New("not an object with the fields of the settings")
	}
	message := m.ProtoReflect().Descriptor()
	var named []protoreflect.FieldDescriptor
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		_, byJSON := parts[field.JSONName()]
		_, byName := parts[string(field.Name())]
		if !byJSON && !byName {
			continue
		}
		delete(parts, field.JSONName())
		delete(parts, string(field.Name()))
		if !slices.Contains(serverOwn, field.Name()) {
			named = append(named, field)
		}
	}
	for name := range parts {
		if _, err := Find(message, name); err != nil {
			return nil, err
		}
	}
	if err := protojson.Unmarshal(object, m); err != nil {
		return nil, reworded(err)
	}
	return named, nil
}

// toJSON answers JSON for JSON or YAML. JSON is left as it is: it may hold characters that YAML does not take.
func toJSON(raw []byte) ([]byte, error) {
	if json.Valid(raw) {
		return raw, nil
	}
	return yaml.YAMLToJSONStrict(raw)
}

// reworded answers what protojson says without the words that it varies on purpose.
func reworded(err error) error {
	_, what, found := strings.Cut(strings.ReplaceAll(err.Error(), "\u00a0", " "), "): ")
	if !found {
		what = strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
	}
	return errors.New(what)
}
