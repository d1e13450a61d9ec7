package command

import (
	"context"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

// outcome is what became of one of several.
type outcome struct {
	Name   string `json:"name"`
	Result string `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

// names answers full names for what was given.
func (a *app) names(collection string, given []string) ([]string, error) {
	var names []string
	for _, g := range given {
		name, err := a.name(collection, g)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// each does something to each of several and tells what became of it. One that fails does not keep the others from it, but the first
// failure is the answer at the end.
func (a *app) each(ctx context.Context, names []string, doing string, do func(context.Context, string) (string, error)) error {
	var outcomes []outcome
	var first error
	for _, name := range names {
		result, err := do(ctx, name)
		if ctx.Err() != nil {
			a.note("%s: ended before %s and what comes after it", doing, name)
			return ctx.Err()
		}
		o := outcome{Name: name, Result: result}
		switch {
		case err != nil && len(names) > 1:
			o.Result, o.Error = "", err.Error()
			a.note("talkctl: %v", err)
		case err == nil && a.print.Format == render.Table:
			if err := a.say("%s %s.", name, result); err != nil {
				return err
			}
		}
		if first == nil {
			first = err
		}
		outcomes = append(outcomes, o)
	}
	return a.printOutcomes(outcomes, first)
}

func (a *app) printOutcomes(outcomes []outcome, first error) error {
	several := len(outcomes) > 1
	if a.print.Format != render.Table && (several || first == nil) {
		if err := a.print.Value(outcomes); err != nil {
			return err
		}
	}
	if first != nil && several {
		return &saidError{first}
	}
	return first
}

// saidError has been told already; what counts is its exit status.
type saidError struct{ err error }

func (e *saidError) Error() string        { return e.err.Error() }
func (e *saidError) Unwrap() error        { return e.err }
func (e *saidError) Is(target error) bool { return target == errSaid }
