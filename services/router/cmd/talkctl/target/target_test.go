package target

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func TestAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"127.0.0.1:9090": "127.0.0.1:9090", "slacktalk.example.com": "slacktalk.example.com:9090", "::1": "[::1]:9090", "[::1]": "[::1]:9090", "[::1]:1": "[::1]:1", "unix:/run/router.sock": "unix:/run/router.sock",
		"": "", ":9090": "", "host:": "", "https://example.com": "", "dns:///example.com:1": "", "a b": "", "a:b:c": "",
	} {
		got, err := Address(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is dialled as %q (%v), want %q", given, got, err, want)
		}
	}
}

func TestWhenPlainTextIsAllowed(t *testing.T) {
	for _, tt := range []struct {
		context Context
		plain   bool
	}{
		{Context{Address: "127.0.0.1:9090"}, true},
		{Context{Address: "127.8.8.8:9090"}, true},
		{Context{Address: "[::1]:9090"}, true},
		{Context{Address: "localhost:9090"}, true},
		{Context{Address: "unix:/run/router.sock"}, true},
		{Context{Address: "127.0.0.1:9090", TLS: true}, false},
		{Context{Address: "127.0.0.1:9090", CA: "ca.pem"}, false},
		{Context{Address: "127.0.0.1:9090", TLS: true, Insecure: true}, false},
		{Context{Address: "127.0.0.1.example.com:9090"}, false},
		{Context{Address: "localhost.example.com:9090"}, false},
		{Context{Address: "10.0.0.1:9090"}, false},
		{Context{Address: "0.0.0.0:9090"}, false},
		{Context{Address: "10.0.0.1:9090", Insecure: true}, true},
		{Context{Address: "slacktalk.example.com:9090"}, false},
	} {
		target := Target{Context: tt.context}
		if got := target.plain(); got != tt.plain {
			t.Errorf("%+v: plain text %t, want %t", tt.context, got, tt.plain)
		}
		if requires := (bearer{plain: target.plain()}).RequireTransportSecurity(); requires == tt.plain {
			t.Errorf("%+v: the token requires TLS: %t", tt.context, requires)
		}
	}
}

func TestResolve(t *testing.T) {
	file := &File{Current: "demo", Contexts: map[string]*Context{
		"demo": {Address: "127.0.0.1:1", Project: "demo", Token: "secret", Insecure: true}, "live": {Address: "live.example.com:1", TokenFile: "/token", CA: "/ca", Cert: "/cert", Key: "/key", Project: "live"},
	}}
	for name, tt := range map[string]struct {
		context string
		given   Context
		want    Target
		err     bool
	}{
		"the one in use":       {"", Context{}, Target{"demo", *file.Contexts["demo"]}, false},
		"a named one":          {"live", Context{}, Target{"live", *file.Contexts["live"]}, false},
		"another project":      {"", Context{Project: "p"}, Target{"demo", Context{Address: "127.0.0.1:1", Project: "p", Token: "secret", Insecure: true}}, false},
		"another token":        {"live", Context{Token: "t"}, Target{"live", Context{Address: "live.example.com:1", Token: "t", CA: "/ca", Cert: "/cert", Key: "/key", Project: "live"}}, false},
		"elsewhere":            {"", Context{Address: "x:1"}, Target{"", Context{Address: "x:1", Project: "demo"}}, false},
		"elsewhere, by name":   {"live", Context{Address: "x:1"}, Target{"live", Context{Address: "x:1", Project: "live"}}, false},
		"no such":              {"nothing", Context{Address: "x:1"}, Target{}, true},
		"half a certificate":   {"", Context{Cert: "c"}, Target{"demo", Context{Address: "127.0.0.1:1", Project: "demo", Token: "secret", Insecure: true, Cert: "c"}}, true},
		"an address that none": {"", Context{Address: "http://x"}, Target{}, true},
	} {
		got, err := Resolve(file, tt.context, tt.given)
		if (err != nil) != tt.err || (err == nil && got != tt.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := Resolve(&File{}, "", Context{}); !errors.Is(err, ErrNoAddress) {
		t.Errorf("without anything: %v", err)
	}
}

func TestATokenIsNeverPrinted(t *testing.T) {
	target := Target{Context: Context{Token: "secret-token"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, target); strings.Contains(text, "secret-token") || !strings.Contains(text, Redacted) {
			t.Errorf("%s: %s", format, text)
		}
	}
	for _, wrong := range []Token{"secret token", "secret\ntoken", "秘密"} {
		if err := wrong.Check(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", string(wrong), err)
		}
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "config.yaml")
	file := &File{Current: "demo", Contexts: map[string]*Context{"demo": {Address: "x:1", Token: "secret"}}}
	if err := file.Save(path); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(what); err != nil || info.Mode().Perm() != want && runtime.GOOS != "windows" {
			t.Errorf("%s: %v, %v", what, info.Mode(), err)
		}
	}
	read, err := Load(path)
	if err != nil || read.Current != "demo" || *read.Contexts["demo"] != *file.Contexts["demo"] {
		t.Errorf("read back: %+v, %v", read, err)
	}
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := file.Save(link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".config-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"others may read it": {"current: demo", 0o640, "chmod 600"},
		"an unknown key":     {"contexts: {demo: {tokne: secret}}", 0o600, "config set"},
		"not YAML":           {"\tsecret", 0o600, "config set"},
		"two tokens":         {"contexts: {demo: {token: secret, token_file: x}}", 0o600, "both"},
		"an empty context":   {"contexts: {demo: }", 0o600, "empty"},
	} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if file, err := Load(filepath.Join(t.TempDir(), "nothing")); err != nil || len(file.Names()) > 0 {
		t.Errorf("no file: %v, %v", file, err)
	}
}

func TestTLSKnowsItsAuthority(t *testing.T) {
	certificates := httptest.NewTLSServer(nil) // for its certificate, of example.com and 127.0.0.1
	defer certificates.Close()
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(certificates.TLS.Clone())))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	address := listen(t, server)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificates.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		context Context
		code    codes.Code
		says    string
	}{
		"with the authority":      {Context{CA: ca}, codes.OK, ""},
		"with the name":           {Context{CA: ca, ServerName: "example.com"}, codes.OK, ""},
		"with a wrong name":       {Context{CA: ca, ServerName: "other.example.net"}, codes.Unavailable, "x509"},
		"without the authority":   {Context{TLS: true}, codes.Unavailable, "unknown authority"},
		"in the clear":            {Context{}, codes.Unavailable, ""},
		"in the clear, by demand": {Context{Insecure: true}, codes.Unavailable, ""},
	} {
		tt.context.Address = address
		err := check(t, Target{Context: tt.context})
		if status.Code(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, broken := range []Context{{Address: address, CA: "/does/not/exist"}, {Address: address, Cert: ca, Key: ca}, {Address: address, CA: os.DevNull}} {
		target := Target{Context: broken}
		if _, err := target.Dial(); err == nil {
			t.Errorf("%+v is taken", broken)
		}
	}
}
