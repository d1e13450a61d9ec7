// Package config fills settings structs from the environment.
package config

import (
	"fmt"

	"github.com/caarlos0/env/v11"
)

// Validator is a settings struct that checks what a tag cannot say; it reports every problem at once.
type Validator interface{ Validate() error }

// Load fills dst, a pointer to a struct with `env` tags, from environ (as os.Environ gives it). For every secret NAME (a secret.String), NAME_FILE
// may name a file that holds it instead; giving both is an error. The file need not be there yet, and is looked at again as long as the secret is
// used: see SecretsOf.
func Load(dst any, environ []string) error {
	vars, secrets := env.ToMap(environ), SecretsOf(dst)
	if err := secrets.announce(vars); err != nil {
		return err
	}
	err := env.ParseWithOptions(dst, env.Options{Environment: vars})
	secrets.bind(vars)
	if v, ok := dst.(Validator); ok && err == nil {
		err = v.Validate()
	}
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}
