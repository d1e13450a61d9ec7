package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// nobody is the user, and the group, that programs in the images run as. It is not in any list of users: there is none.
const nobody = "65532:65532"

// limit is how large an image of one platform may be, compressed.
const limit = 25 << 20

// make builds p's image for every platform, writes it down, and pushes it when that was asked for.
func (o order) make(ctx context.Context, p program, s source) error {
	scratch, err := os.MkdirTemp("", "images-")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	ref, err := name.NewTag(o.repository + "/" + p.name + ":" + o.tag)
	if err != nil {
		return fmt.Errorf("name it: %w", err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range o.platforms {
		binary, err := p.build(ctx, o.root, platform, scratch)
		if err != nil {
			return err
		}
		image, err := o.image(p, s, platform, binary)
		if err != nil {
			return fmt.Errorf("for %s: %w", platform, err)
		}
		where, err := v1.ParsePlatform(platform)
		if err != nil {
			return fmt.Errorf("read the platform: %w", err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: where}})
	}
	full := qualified(ref)
	if err := o.write(p, full, index, s.time); err != nil {
		return err
	}
	if !o.push {
		return nil
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("push %s: %w", full, err)
	}
	return nil
}

// qualified answers the whole name, under which containerd is asked for a short one.
func qualified(ref name.Tag) string {
	registry := ref.RegistryStr()
	if registry == name.DefaultRegistry {
		registry = "docker.io"
	}
	return registry + "/" + ref.RepositoryStr() + ":" + ref.TagStr()
}

// image puts one program, its list of parts and the public certificate authorities on nothing.
func (o order) image(p program, s source, platform, binary string) (v1.Image, error) {
	program, err := os.ReadFile(binary) //nolint:gosec // just built
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	parts, err := partsList(p, o.tag, s, binary)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(o.path(p, "-"+strings.ReplaceAll(platform, "/", "-")+".cdx.json"), parts, 0o600); err != nil { //nolint:gosec // where we were told to write
		return nil, fmt.Errorf("write the list of parts: %w", err)
	}
	layer, err := layer(s.time, []file{
		{"etc/ssl/certs/ca-certificates.crt", 0o644, authorities()},
		{"usr/share/sbom/" + p.name + ".cdx.json", 0o644, parts},
		{p.name, 0o755, program},
	})
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: s.time}, CreatedBy: "make images"}})
	if err != nil {
		return nil, fmt.Errorf("add the layer: %w", err)
	}
	image, err = mutate.ConfigFile(image, config(image, p, o.tag, s, platform))
	if err != nil {
		return nil, fmt.Errorf("configure: %w", err)
	}
	return image, fits(image)
}

// config says how the program is started and what the image is.
func config(image v1.Image, p program, tag string, s source, platform string) *v1.ConfigFile {
	c, err := image.ConfigFile()
	if err != nil {
		c = &v1.ConfigFile{}
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, _ = strings.Cut(platform, "/")
	c.Created = v1.Time{Time: s.time}
	c.Config = v1.Config{
		User:       nobody,
		Entrypoint: []string{"/" + p.name},
		WorkingDir: "/",
		Env:        []string{"PATH=/"},
		Labels: map[string]string{
			"org.opencontainers.image.title":       p.name,
			"org.opencontainers.image.description": p.about,
			"org.opencontainers.image.version":     tag,
			"org.opencontainers.image.revision":    s.revision,
			"org.opencontainers.image.created":     s.time.Format(time.RFC3339),
			"org.opencontainers.image.source":      "https://github.com/slacktalk/slacktalk",
		},
	}
	return c
}

// fits reports an image that has become too large.
func fits(image v1.Image) error {
	manifest, err := image.Manifest()
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	if size > limit {
		return fmt.Errorf("it has %d bytes, more than the %d that it may have", size, limit)
	}
	return nil
}

type file struct {
	path string
	mode int64
	data []byte
}

// layer packs files that belong to root and are of one time, in this order, with the folders they are in.
func layer(at time.Time, files []file) (v1.Layer, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	var problems []error
	made := map[string]bool{}
	for _, f := range files {
		for i, c := range f.path {
			if dir := f.path[:i]; c == '/' && !made[dir] {
				made[dir] = true
				problems = append(problems, w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: at}))
			}
		}
		problems = append(problems, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.data)), ModTime: at}))
		_, err := w.Write(f.data)
		problems = append(problems, err)
	}
	if err := errors.Join(append(problems, w.Close())...); err != nil {
		return nil, fmt.Errorf("pack the layer: %w", err)
	}
	packedLayer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("compress the layer: %w", err)
	}
	return packedLayer, nil
}

// authorities answers the certificate authorities that browsers trust, as Go's own module has them, and not as this machine does.
func authorities() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
	}
	return out.Bytes()
}
