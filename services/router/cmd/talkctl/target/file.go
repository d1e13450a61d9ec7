// Package target knows where talkctl's calls go and as whom.
package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"sigs.k8s.io/yaml"
)

// Redacted stands where a token would.
const Redacted = "[REDACTED]"

// Token authenticates a call. Printing one does not show it.
type Token string

// String never answers the token.
func (t Token) String() string {
	if t == "" {
		return ""
	}
	return Redacted
}

// GoString never answers the token.
func (t Token) GoString() string { return t.String() }

// Context is one place that calls may go to, as it stands in the config file.
type Context struct {
	// Address is host:port, or unix:/path.
	Address string `json:"address,omitempty"`
	// Project is the one that commands are about.
	Project string `json:"project,omitempty"`
	// Token and TokenFile say who calls; at most one of them is given.
	Token     Token  `json:"token,omitempty"`
	TokenFile string `json:"token_file,omitempty"`
	// CA is the path of the authority of the server's certificate; the system's are asked without it.
	CA string `json:"ca,omitempty"`
	// Cert and Key are paths of the caller's own certificate, for servers that want one.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	// ServerName is the name in the server's certificate where it is not that of the address.
	ServerName string `json:"server_name,omitempty"`
	// TLS asks for it on loopback too, where plain text is the default.
	TLS bool `json:"tls,omitempty"`
	// Insecure allows plain text off loopback.
	Insecure bool `json:"insecure,omitempty"`
}

// File is the config file.
type File struct {
	Current  string              `json:"current,omitempty"`
	Contexts map[string]*Context `json:"contexts,omitempty"`
}

// Path answers where the config file is: $TALKCTL_CONFIG, or talkctl/config.yaml in the user's folder for such files.
func Path(getenv func(string) string) (string, error) {
	if path := getenv("TALKCTL_CONFIG"); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of the config file (TALKCTL_CONFIG names one): %w", err)
	}
	return filepath.Join(dir, "talkctl", "config.yaml"), nil
}

// Load reads a config file; one that is not there is empty. A file that others may read is refused, because it can hold tokens.
func Load(path string) (*File, error) {
	file := &File{Contexts: map[string]*Context{}}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the config file: %w", err)
	}
	if others := info.Mode().Perm() & 0o077; others != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("the config file may hold tokens, and others may read or write it (mode %04o): chmod 600 %s", info.Mode().Perm(), path)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user says which file
	if err != nil {
		return nil, fmt.Errorf("read the config file: %w", err)
	}
	if err := yaml.UnmarshalStrict(raw, file); err != nil {
		return nil, fmt.Errorf("read the config file %s: it is not as `talkctl config set` writes it", path) // the cause may quote a token
	}
	return file, file.check(path)
}

func (f *File) check(path string) error {
	if f.Contexts == nil {
		f.Contexts = map[string]*Context{}
	}
	for name, c := range f.Contexts {
		if c == nil || (c.Token != "" && c.TokenFile != "") {
			return fmt.Errorf("read the config file %s: context %s is empty, or has both token and token_file", path, name)
		}
	}
	return nil
}

// Save writes the file for its owner alone, whole or not at all.
func (f *File) Save(path string) error {
	raw, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("write the config file: %w", err)
	}
	// A link stays one.
	if behind, err := filepath.EvalSymlinks(path); err == nil {
		path = behind
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the config file: %w", err)
	}
	next, err := os.CreateTemp(filepath.Dir(path), ".config-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the config file: %w", err)
	}
	defer func() { _ = os.Remove(next.Name()) }()
	_, err = next.Write(raw)
	if err := errors.Join(err, next.Close()); err != nil {
		return fmt.Errorf("write the config file: %w", err)
	}
	if err := os.Rename(next.Name(), path); err != nil {
		return fmt.Errorf("write the config file: %w", err)
	}
	return nil
}

// Names answers the names of the contexts in order.
func (f *File) Names() []string {
	var names []string
	for name := range f.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Shown answers the context with its token hidden.
func (c Context) Shown() Context {
	if c.Token != "" {
		c.Token = Redacted
	}
	return c
}
