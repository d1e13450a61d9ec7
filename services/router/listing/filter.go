package listing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.einride.tech/aip/filtering"
	expr "google.golang.org/genproto/googleapis/api/expr/v1alpha1"

	"github.com/slacktalk/slacktalk/services/router/settings"
)

// Filter decides whether an item belongs into a list. An item answers the value of a field as a string, a time.Time or a []string; a
// list matches when one of its values does.
type Filter func(item func(field string) any) bool

// ParseFilter reads an AIP-160 filter over some fields: comparisons (= != < <= > >=, and : for "contains") joined by AND, OR and NOT. An empty one
// lets everything through. Errors tell the request's field `filter`.
func ParseFilter(filter string, fields ...string) (Filter, error) {
	if strings.TrimSpace(filter) == "" {
		return func(func(string) any) bool { return true }, nil
	}
	var parser filtering.Parser
	parser.Init(filter)
	parsed, err := parser.Parse()
	if err != nil {
		return nil, refuse("filter", "is not an AIP-160 filter, like state = \"WAITING\" AND channel = \"C0SUPPORT\"")
	}
	return compile(parsed.GetExpr(), fields)
}

func compile(e *expr.Expr, fields []string) (Filter, error) {
	call := e.GetCallExpr()
	var parts []Filter
	switch call.GetFunction() {
	case filtering.FunctionAnd, filtering.FunctionOr, filtering.FunctionNot, filtering.FunctionFuzzyAnd:
		for _, arg := range call.GetArgs() {
			part, err := compile(arg, fields)
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
	default:
		return compare(call, fields)
	}
	switch call.GetFunction() {
	case filtering.FunctionNot:
		return func(item func(string) any) bool { return !parts[0](item) }, nil
	case filtering.FunctionOr:
		return func(item func(string) any) bool {
			return slices.ContainsFunc(parts, func(f Filter) bool { return f(item) })
		}, nil
	}
	return func(item func(string) any) bool {
		return !slices.ContainsFunc(parts, func(f Filter) bool { return !f(item) })
	}, nil
}

var holds = map[string]func(order int) bool{
	filtering.FunctionEquals:        func(order int) bool { return order == 0 },
	filtering.FunctionNotEquals:     func(order int) bool { return order != 0 },
	filtering.FunctionLessThan:      func(order int) bool { return order < 0 },
	filtering.FunctionLessEquals:    func(order int) bool { return order <= 0 },
	filtering.FunctionGreaterThan:   func(order int) bool { return order > 0 },
	filtering.FunctionGreaterEquals: func(order int) bool { return order >= 0 },
}

// compare makes the filter of one comparison, with a field on the left and a value on the right.
func compare(call *expr.Expr_Call, fields []string) (Filter, error) {
	if len(call.GetArgs()) != 2 {
		return nil, refuse("filter", "compares a field with a value; the fields are "+strings.Join(fields, ", "))
	}
	field := call.GetArgs()[0].GetIdentExpr().GetName()
	if !slices.Contains(fields, field) {
		return nil, refuse("filter", "names something that is not a field; the fields are "+strings.Join(fields, ", "))
	}
	wanted, ok := literal(call.GetArgs()[1])
	if !ok {
		return nil, refuse("filter", "compares "+field+" with something that is neither a word nor a quoted text")
	}
	if call.GetFunction() == filtering.FunctionHas {
		return func(item func(string) any) bool {
			return matches(item(field), func(value string) bool { return strings.Contains(value, wanted) })
		}, nil
	}
	held, ok := holds[call.GetFunction()]
	if !ok {
		return nil, refuse("filter", "uses a comparison that is not known; use = != < <= > >= :")
	}
	at, err := time.Parse(time.RFC3339, wanted)
	isTime := strings.HasSuffix(field, "time")
	if isTime && err != nil {
		return nil, refuse("filter", "compares "+field+" with something that is not a time like 2026-01-31T00:00:00Z")
	}
	return func(item func(string) any) bool {
		value := item(field)
		if when, ok := value.(time.Time); ok {
			return !when.IsZero() && held(when.Compare(at))
		}
		if call.GetFunction() == filtering.FunctionNotEquals {
			return !matches(value, func(value string) bool { return value == wanted })
		}
		return matches(value, func(value string) bool { return held(strings.Compare(value, wanted)) })
	}, nil
}

// literal answers a value: a quoted text, a bare word or a number.
func literal(e *expr.Expr) (string, bool) {
	if name := e.GetIdentExpr().GetName(); name != "" {
		return name, true
	}
	switch c := e.GetConstExpr().GetConstantKind().(type) {
	case *expr.Constant_StringValue:
		return c.StringValue, true
	case *expr.Constant_Int64Value:
		return fmt.Sprint(c.Int64Value), true
	case *expr.Constant_BoolValue:
		return fmt.Sprint(c.BoolValue), true
	}
	return "", false
}

func matches(value any, is func(string) bool) bool {
	switch v := value.(type) {
	case string:
		return is(v)
	case []string:
		return slices.ContainsFunc(v, is)
	}
	return false
}

func refuse(field, description string) error {
	return &settings.InvalidError{Violations: []settings.Violation{{Field: field, Description: description}}}
}
