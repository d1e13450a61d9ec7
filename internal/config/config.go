// Package config fills settings structs from the environment.
package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Validator is a settings struct that checks what a tag cannot say; it reports every problem at once.
type Validator interface{ Validate() error }

// Load fills dst, a pointer to a struct with `env` tags, from environ (as os.Environ gives it). For every variable
// NAME, NAME_FILE may name a file that holds the value instead, without its last line break; giving both is an error.
func Load(dst any, environ []string) error {
	vars, err := withFiles(env.ToMap(environ))
	if err != nil {
		return err
	}
	err = env.ParseWithOptions(dst, env.Options{Environment: vars})
	if v, ok := dst.(Validator); ok && err == nil {
		err = v.Validate()
	}
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

// withFiles adds NAME for every NAME_FILE. Variables that name a file for its own sake (`API_TOKENS_FILE`) gain a
// harmless twin when the file can be read and none when it cannot.
func withFiles(vars map[string]string) (map[string]string, error) {
	var problems []error
	for name, path := range vars {
		base, ok := strings.CutSuffix(name, "_FILE")
		if !ok || path == "" || !fileSettings[base] {
			continue
		}
		if vars[base] != "" {
			problems = append(problems, fmt.Errorf("settings: both %s and %s are given", base, name))
			continue
		}
		value, err := os.ReadFile(path) //nolint:gosec // the path is the operator's own setting
		if err != nil {
			problems = append(problems, fmt.Errorf("settings: %s: %w", name, err))
			continue
		}
		vars[base] = strings.TrimRight(string(value), "\r\n")
	}
	return vars, errors.Join(problems...)
}

// fileSettings lists the settings that may come from a file, all of them secret or holding one.
var fileSettings = map[string]bool{
	"NATS_URL":                    true,
	"KARTE_CLIENT_SECRET_BEFORE":  true,
	"REDIS_URL":                   true,
	"KARTE_API_TOKEN":             true,
	"KARTE_CLIENT_SECRET":         true,
	"ROUTER_TOKEN":                true,
	"SLACK_BOT_TOKEN":             true,
	"SLACK_SIGNING_SECRET":        true,
	"SLACK_SIGNING_SECRET_BEFORE": true,
}
