package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
)

// path answers where a file about p is written.
func (o order) path(p program, ending string) string {
	return filepath.Join(o.out, p.name+ending)
}

// write puts the image into an archive in the OCI layout, which skopeo, crane, podman, docker and containerd read, and says what it is.
func (o order) write(p program, full string, index v1.ImageIndex, at time.Time) error {
	dir, err := os.MkdirTemp("", "layout-")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("begin the layout: %w", err)
	}
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("digest: %w", err)
	}
	names := map[string]string{"io.containerd.image.name": full, "org.opencontainers.image.ref.name": o.tag}
	if err := path.ReplaceIndex(index, match.Digests(digest), layout.WithAnnotations(names)); err != nil {
		return fmt.Errorf("write the layout: %w", err)
	}
	archive := o.path(p, ".oci.tar")
	if err := pack(dir, archive, at); err != nil {
		return err
	}
	if err := os.WriteFile(o.path(p, ".digest"), []byte(full+"@"+digest.String()+"\n"), 0o600); err != nil { //nolint:gosec // where we were told to write
		return fmt.Errorf("write the digest: %w", err)
	}
	return report(full, archive, index)
}

// pack writes the files of dir into an archive, in the order of their names.
func pack(dir, archive string, at time.Time) error {
	out, err := os.Create(archive) //nolint:gosec // where we were told to write
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	w := tar.NewWriter(out)
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if entry.IsDir() {
			return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: 0o755, ModTime: at})
		}
		return packFile(w, root, path, at)
	})
	if err := errors.Join(err, w.Close(), out.Close()); err != nil {
		return fmt.Errorf("pack %s: %w", archive, err)
	}
	return nil
}

func packFile(w *tar.Writer, root fs.FS, path string, at time.Time) error {
	f, err := root.Open(path)
	if err != nil {
		return fmt.Errorf("open what is packed: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at what is packed: %w", err)
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o644, Size: info.Size(), ModTime: at}); err != nil {
		return fmt.Errorf("name what is packed: %w", err)
	}
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("copy what is packed: %w", err)
	}
	return nil
}

// report says in one line per platform what was made.
func report(full, archive string, index v1.ImageIndex) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	fmt.Printf("%s@%s in %s\n", full, digest, archive)
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		parts, err := image.Manifest()
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		size := parts.Config.Size
		for _, layer := range parts.Layers {
			size += layer.Size
		}
		fmt.Printf("  %-12s %5.1f MB  %s\n", m.Platform, float64(size)/1e6, m.Digest)
	}
	return nil
}
