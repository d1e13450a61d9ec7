package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/internal/secret"
)

// Secrets are those of a settings struct.
type Secrets []setting

// setting is a field that holds a secret.
type setting struct {
	name     string
	required bool
	value    *secret.String
}

// SecretsOf answers the secrets in settings, a pointer to a struct with `env` tags.
func SecretsOf(settings any) Secrets {
	return fields(reflect.ValueOf(settings).Elem())
}

func fields(of reflect.Value) Secrets {
	var found Secrets
	for i := range of.NumField() {
		field, described := of.Field(i), of.Type().Field(i)
		if !described.IsExported() {
			continue
		}
		if value, ok := field.Addr().Interface().(*secret.String); ok {
			name, options, _ := strings.Cut(described.Tag.Get("env"), ",")
			found = append(found, setting{name, slices.Contains(strings.Split(options, ","), "required"), value})
		} else if field.Kind() == reflect.Struct {
			found = append(found, fields(field)...)
		}
	}
	return found
}

// placeholder stands for a secret that is in a file, so that it does not count as missing.
const placeholder = "-"

// announce puts a placeholder for each secret that is in a file.
func (s Secrets) announce(vars map[string]string) error {
	var problems []error
	for _, f := range s {
		switch path, value := vars[f.name+"_FILE"], vars[f.name]; {
		case path == "":
		case value != "":
			problems = append(problems, fmt.Errorf("settings: both %s and %s_FILE are given", f.name, f.name))
		default:
			vars[f.name] = placeholder
		}
	}
	return errors.Join(problems...)
}

func (s Secrets) bind(vars map[string]string) {
	for _, f := range s {
		if path := vars[f.name+"_FILE"]; path != "" {
			*f.value = secret.FromFile(path)
		}
	}
}

// Missing answers which secrets that the service cannot do without are not in their files; nil when all are there.
func (s Secrets) Missing() error {
	var problems []error
	for _, f := range s {
		if f.required && f.value.IsZero() {
			problems = append(problems, fmt.Errorf("%s_FILE: %w", f.name, f.value.Problem()))
		}
	}
	return errors.Join(problems...)
}

// watchEvery is how often Watch looks.
const watchEvery = 5 * time.Second

// Watch logs, until ctx ends, when a file holds another secret, and when the last one counts because the file is gone or empty.
func (s Secrets) Watch(ctx context.Context, log *slog.Logger) {
	watched := s.seen()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.seen()
		for i, f := range s {
			tell(log, f.name, watched[i], now[i])
		}
		watched = now
	}
}

// look is what a secret is at a moment.
type look struct {
	value   string
	problem error
}

func (s Secrets) seen() []look {
	looks := make([]look, len(s))
	for i, f := range s {
		looks[i] = look{f.value.Reveal(), f.value.Problem()}
	}
	return looks
}

func tell(log *slog.Logger, name string, was, is look) {
	if was.value != is.value {
		log.Info("a secret was replaced, the new one is in force", "setting", name)
	}
	if is.problem != nil && was.problem == nil {
		log.Error("a secret cannot be read any more, the last one stays in force until the next start", "setting", name, "err", is.problem)
	}
}
