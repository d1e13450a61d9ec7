package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

var demo = source{"0123456789abcdef0123456789abcdef01234567", time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}

// made builds talkctl's image from the sources in root.
func made(t *testing.T, root string) v1.Image {
	t.Helper()
	p, err := choose([]string{"talkctl"})
	if err != nil {
		t.Fatal(err)
	}
	binary, err := p[0].build(t.Context(), root, "linux/amd64", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := order{root: root, out: t.TempDir(), repository: "slacktalk", tag: "0.0.1"}
	image, err := o.image(p[0], demo, "linux/amd64", binary)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// The same sources in another folder make the same image, to the last byte.
func TestAnImageIsReproducible(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "a checkout somewhere else")
	for _, module := range []string{"proto", "internal", "services/router"} {
		if err := os.CopyFS(filepath.Join(elsewhere, module), os.DirFS(filepath.Join("../..", module))); err != nil {
			t.Fatal(err)
		}
	}
	here, err := made(t, "../..").Digest()
	if err != nil {
		t.Fatal(err)
	}
	there, err := made(t, elsewhere).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if here != there {
		t.Errorf("%s and %s", here, there)
	}
}

func TestWhatIsInAnImage(t *testing.T) {
	image := made(t, "../..")
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/talkctl"}) || config.Architecture != "amd64" || !config.Created.Equal(demo.time) {
		t.Errorf("it is started as %+v", config.Config)
	}
	for label, want := range map[string]string{"title": "talkctl", "version": "0.0.1", "revision": demo.revision, "created": "2026-11-22T12:00:00Z"} {
		if got := config.Config.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("its %s is %q", label, got)
		}
	}
	files := unpack(t, image)
	want := []string{"etc/ssl/certs/ca-certificates.crt", "talkctl", "usr/share/sbom/talkctl.cdx.json"}
	var got []string
	for name := range files {
		got = append(got, name)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("it has %v", got)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]) {
		t.Error("it trusts nobody")
	}
	var parts struct {
		Components []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(files["usr/share/sbom/talkctl.cdx.json"], &parts); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(parts.Components, func(c struct{ Name, Version, Purl string }) bool {
		return c.Name == "google.golang.org/grpc" && strings.HasPrefix(c.Purl, "pkg:golang/google.golang.org/grpc@v")
	}) {
		t.Errorf("gRPC is not among its %d parts", len(parts.Components))
	}
}

// unpack answers the files of an image, and wants all of them to belong to root and to be of the commit's time.
func unpack(t *testing.T, image v1.Image) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	content := mutate.Extract(image)
	defer content.Close()
	for r := tar.NewReader(content); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 || !header.ModTime.Equal(demo.time) || header.Mode&0o022 != 0 {
			t.Errorf("%s belongs to %d:%d, is of %v, %o", header.Name, header.Uid, header.Gid, header.ModTime, header.Mode)
		}
		if header.Typeflag == tar.TypeReg {
			var data bytes.Buffer
			if _, err := io.Copy(&data, r); err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(header.Name, "/")] = data.Bytes()
		}
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	for name, args := range map[string][]string{
		"no tag":             {},
		"latest":             {"-tag", "latest"},
		"an unknown program": {"-tag", "0.0.1", "nothing"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%s: nobody minds", name)
		}
	}
}
