package target

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// defaultPort is where the router listens unless told otherwise.
const defaultPort = "9090"

// Target is where the calls of one command go.
type Target struct {
	// Name of the context it is from; empty without one.
	Name string
	Context
}

// ErrNoAddress is returned when nothing says where to call.
var ErrNoAddress = errors.New("nothing says where the router is")

// ErrNoToken is returned when nothing says who calls.
var ErrNoToken = errors.New("no token")

// Resolve lays what was given for this call over a context of the file. What a context says about who calls and how belongs to its
// address: it is not used when the call goes somewhere else, so that no token is shown to a stranger.
func Resolve(file *File, name string, given Context) (Target, error) {
	chosen, isDefault := name, name == ""
	if isDefault {
		chosen = file.Current
	}
	from, known := file.Contexts[chosen]
	if !known && chosen != "" {
		return Target{}, fmt.Errorf("there is no context %q; there is: %s", chosen, strings.Join(append(file.Names(), "none")[:max(1, len(file.Names()))], ", "))
	}
	t := Target{Context: given}
	if !known {
		return t, t.normalize()
	}
	t.Name = chosen
	if t.Project == "" {
		t.Project = from.Project
	}
	elsewhere := given.Address != "" && given.Address != from.Address
	if elsewhere {
		if isDefault {
			t.Name = ""
		}
		return t, t.normalize()
	}
	t.inherit(from)
	return t, t.normalize()
}

func (t *Target) inherit(from *Context) {
	t.Address = from.Address
	if t.Token == "" && t.TokenFile == "" {
		t.Token, t.TokenFile = from.Token, from.TokenFile
	}
	if t.Cert == "" && t.Key == "" {
		t.Cert, t.Key = from.Cert, from.Key
	}
	if t.CA == "" {
		t.CA = from.CA
	}
	if t.ServerName == "" {
		t.ServerName = from.ServerName
	}
	t.TLS, t.Insecure = t.TLS || from.TLS, t.Insecure || from.Insecure
}

func (t *Target) normalize() error {
	if t.Address == "" {
		return ErrNoAddress
	}
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("a certificate and its key go together")
	}
	address, err := Address(t.Address)
	t.Address = address
	return err
}

// Address answers an address as it is dialled: with a port.
func Address(given string) (string, error) {
	if strings.HasPrefix(given, "unix:") {
		return given, nil
	}
	if strings.Contains(given, "/") || strings.ContainsAny(given, " \t\r\n") {
		return "", fmt.Errorf("the address %q is not host:port", given)
	}
	host, port, err := net.SplitHostPort(given)
	if err != nil {
		host, port = strings.Trim(given, "[]"), defaultPort
	}
	if host == "" || port == "" || (err != nil && strings.Contains(host, ":") && net.ParseIP(host) == nil) {
		return "", fmt.Errorf("the address %q is not host:port", given)
	}
	return net.JoinHostPort(host, port), nil
}

// local says that what is sent stays on this machine.
func (t *Target) local() bool {
	if strings.HasPrefix(t.Address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(t.Address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// plain says that the call is made in plain text: where that was asked for, and on loopback unless something asks for TLS.
func (t *Target) plain() bool {
	wantsTLS := t.TLS || t.CA != "" || t.Cert != "" || t.ServerName != ""
	return !wantsTLS && (t.Insecure || t.local())
}

// ReadToken makes Token out of TokenFile where that is how it was given. Without either it returns ErrNoToken.
func (t *Target) ReadToken() error {
	if t.Token == "" && t.TokenFile != "" {
		raw, err := os.ReadFile(t.TokenFile)
		if err != nil {
			return fmt.Errorf("read the token file: %w", err)
		}
		t.Token = Token(strings.TrimSpace(string(raw)))
		if t.Token == "" {
			return fmt.Errorf("read the token file: %s is empty", t.TokenFile)
		}
	}
	if t.Token == "" {
		return ErrNoToken
	}
	return t.Token.Check()
}

// Check refuses what cannot be a token, without quoting it.
func (t Token) Check() error {
	for _, r := range t {
		if r <= ' ' || r > '~' {
			return errors.New("the token holds a space, a line break or another character that no token has")
		}
	}
	return nil
}
