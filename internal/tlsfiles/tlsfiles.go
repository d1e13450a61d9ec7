// Package tlsfiles keeps TLS certificates in step with the files that they come from.
package tlsfiles

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// File is one of the files, with the setting that names it; no path means that there is none.
type File struct{ Setting, Path string }

func (f File) String() string { return f.Setting + " " + f.Path }

// Files are an own certificate with its key, and the authority of the other side's.
type Files struct{ Cert, Key, CA File }

// Material is what the files hold.
type Material struct {
	// Certificates is the own one, if there is one.
	Certificates []tls.Certificate
	// Authorities is nil without a file of them.
	Authorities *x509.CertPool
}

// Source reads the files whenever it is asked, so that renewed ones need no restart. While they do not fit each other, as in the middle of a renewal, or hold
// a mistake, what they held before stays in force.
type Source struct {
	files Files
	log   *slog.Logger

	mu   sync.Mutex
	seen [][]byte // what the files held, good or not
	now  Material
	told string
}

// Open reads the files; an error is a mistake in them.
func Open(files Files, log *slog.Logger) (*Source, error) {
	s := &Source{files: files, log: log}
	if err := s.read(); err != nil {
		return nil, err
	}
	s.tell()
	return s, nil
}

// Current answers what is in force.
func (s *Source) Current() Material {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.read(); err != nil {
		s.log.Error("certificates not taken over, the former ones stay in force", "err", err)
	}
	return s.now
}

// read takes over the files if they changed. An error is answered once for each broken content.
func (s *Source) read() error {
	var contents [3][]byte
	var problems []error
	for i, file := range []File{s.files.Cert, s.files.Key, s.files.CA} {
		if file.Path == "" {
			continue
		}
		content, err := os.ReadFile(file.Path)
		if err != nil {
			// The error takes the place of the content, so that it too is told once.
			content, problems = []byte(err.Error()), append(problems, fmt.Errorf("%s: %w", file.Setting, err))
		}
		contents[i] = content
	}
	if slices.EqualFunc(s.seen, contents[:], bytes.Equal) {
		return nil
	}
	s.seen = contents[:]
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	now, err := s.parse(contents)
	if err == nil {
		s.now = now
	}
	return err
}

func (s *Source) parse(contents [3][]byte) (Material, error) {
	var m Material
	if s.files.Cert.Path != "" {
		pair, err := tls.X509KeyPair(contents[0], contents[1])
		if err != nil {
			return m, fmt.Errorf("%v with %v: %w", s.files.Cert, s.files.Key, err)
		}
		m.Certificates = []tls.Certificate{pair}
	}
	if s.files.CA.Path != "" {
		m.Authorities = x509.NewCertPool()
		if !m.Authorities.AppendCertsFromPEM(contents[2]) {
			return m, fmt.Errorf("%v holds no certificate", s.files.CA)
		}
	}
	return m, nil
}

// Problem answers why the own certificate is accepted by nobody now; nil when it is valid, or when there is none.
func (s *Source) Problem() error {
	if s == nil {
		return nil
	}
	now := time.Now()
	for _, pair := range s.Current().Certificates {
		switch {
		case now.After(pair.Leaf.NotAfter):
			return fmt.Errorf("the certificate in %v has expired at %s: put a renewed one there, no restart is needed", s.files.Cert, pair.Leaf.NotAfter.Format(time.RFC3339))
		case now.Before(pair.Leaf.NotBefore):
			return fmt.Errorf("the certificate in %v is valid from %s only: is the clock right?", s.files.Cert, pair.Leaf.NotBefore.Format(time.RFC3339))
		}
	}
	return nil
}

// lookEvery is how often Watch looks.
const lookEvery = 5 * time.Second

// Watch takes over renewed files, and logs when the own certificate expires and when it is valid again, until ctx ends.
func (s *Source) Watch(ctx context.Context) error {
	if s == nil {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.tell()
		}
	}
}

// tell logs a problem of the own certificate when it is another one than before.
func (s *Source) tell() {
	problem := ""
	if err := s.Problem(); err != nil {
		problem = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch problem {
	case s.told:
		return
	case "":
		s.log.Info("the certificate is valid", "file", s.files.Cert.String())
	default:
		s.log.Error("certificate not valid", "err", problem)
	}
	s.told = problem
}
