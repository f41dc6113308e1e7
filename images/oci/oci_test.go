// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
	"github.com/bessform/terraform-provider-bess/images/internal/sandbox"
)

// build makes the image for amd64 and returns its layout's folder.
func build(t *testing.T, dir string) string {
	t.Helper()
	if testing.Short() {
		need.Skip(t, need.NoTime, "-short was given")
	}
	if out, err := exec.Command("make", "-C", "../..", "oci", "DIST="+dir, "ARCHS=amd64").CombinedOutput(); err != nil {
		t.Fatalf("make oci: %v\n%s", err, out)
	}
	return filepath.Join(dir, "oci")
}

// open returns the index that a layout holds.
func open(t *testing.T, dir string) v1.ImageIndex {
	t.Helper()
	top, err := layout.ImageIndexFromPath(dir)
	must(t, err)
	m, err := top.IndexManifest()
	must(t, err)
	if len(m.Manifests) != 1 {
		t.Fatalf("the layout holds %d indexes, want 1", len(m.Manifests))
	}
	index, err := top.ImageIndex(m.Manifests[0].Digest)
	must(t, err)
	return index
}

// single returns the image of an index that has one.
func single(t *testing.T, index v1.ImageIndex) v1.Image {
	t.Helper()
	m, err := index.IndexManifest()
	must(t, err)
	if len(m.Manifests) != 1 || m.Manifests[0].Platform == nil || m.Manifests[0].Platform.String() != "linux/amd64" {
		t.Fatalf("manifests %+v, want one for linux/amd64", m.Manifests)
	}
	image, err := index.Image(m.Manifests[0].Digest)
	must(t, err)
	return image
}

func TestImage(t *testing.T) {
	dir := build(t, t.TempDir())
	t.Run("runs", func(t *testing.T) { runs(t, open(t, dir)) })
	t.Run("again", func(t *testing.T) { same(t, dir, build(t, t.TempDir())) })
}

func runs(t *testing.T, index v1.ImageIndex) {
	must(t, validate.Index(index))
	image := single(t, index)
	root := unpack(t, image)
	file, err := image.ConfigFile()
	must(t, err)
	c := file.Config
	if c.User == "" || strings.HasPrefix(c.User, "0") {
		t.Errorf("the image runs as %q", c.User)
	}
	s := sandbox.Chroot(t, root, c.User, c.Env, c.Entrypoint...)
	s.Eventually("the daemon answers", func() error {
		_, err := s.Try("/usr/bin/bessctl", "version")
		return err
	})
	must(t, os.MkdirAll(s.Path("/etc/bess"), 0o755))
	text, err := os.ReadFile("../../examples/tutorial/tutorial.yaml")
	must(t, err)
	must(t, os.WriteFile(s.Path("/etc/bess/pipeline.yaml"), text, 0o644))
	s.Run("/usr/bin/bessctl", "apply", "/etc/bess/pipeline.yaml")
	if out := s.Run("/usr/bin/bessctl", "show", "pipeline"); !strings.Contains(out, "rewrite") {
		t.Errorf("the pipeline is not there:\n%s", out)
	}
}

// same compares what was built from the same commit twice.
func same(t *testing.T, first, again string) {
	a, err := open(t, first).Digest()
	must(t, err)
	b, err := open(t, again).Digest()
	must(t, err)
	if a != b {
		t.Errorf("built twice: %s and %s", a, b)
	}
	x, err := os.ReadFile(first + "/../bess.oci.tar")
	must(t, err)
	y, err := os.ReadFile(again + "/../bess.oci.tar")
	must(t, err)
	if string(x) != string(y) {
		t.Error("the archives differ")
	}
}

// Images of two architectures, with programs that need not run.
func TestArchitectures(t *testing.T) {
	programs, out := t.TempDir(), t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		must(t, os.Mkdir(filepath.Join(programs, arch), 0o755))
		for _, name := range []string{"bessd", "bessctl"} {
			must(t, os.WriteFile(filepath.Join(programs, arch, name), []byte(name+" for "+arch), 0o755))
		}
	}
	args := []string{"-programs", programs, "-licence", "../../LICENSE", "-version", "1.2.3", "-revision", "abc", "-epoch", "86400", "-out", out}
	must(t, run(args))
	index := open(t, filepath.Join(out, "oci"))
	must(t, validate.Index(index))
	m, err := index.IndexManifest()
	must(t, err)
	var have []string
	for _, d := range m.Manifests {
		image, err := index.Image(d.Digest)
		must(t, err)
		c, err := image.ConfigFile()
		must(t, err)
		have = append(have, c.OS+"/"+c.Architecture)
		if got := c.Config.Labels["org.opencontainers.image.version"]; got != "1.2.3" || c.Created.Unix() != 86400 {
			t.Errorf("version %q, created %v", got, c.Created)
		}
		if text, err := os.ReadFile(filepath.Join(unpack(t, image), "usr/bin/bessd")); err != nil || string(text) != "bessd for "+c.Architecture {
			t.Errorf("%s has %q (%v)", c.Architecture, text, err)
		}
	}
	if got := strings.Join(have, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("images for %q", got)
	}
}

func TestRefused(t *testing.T) {
	for _, args := range [][]string{{}, {"-programs", "x"}, {"-programs", "x", "-version", "1", "more"},
		{"-programs", t.TempDir(), "-version", "1", "-licence", "../../LICENSE"}} {
		if err := run(append(args, "-out", t.TempDir())); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// unpack writes the image's files into a folder, with their owners if the test
// may.
func unpack(t *testing.T, image v1.Image) string {
	t.Helper()
	root := t.TempDir()
	must(t, os.Chmod(filepath.Dir(root), 0o755)) // the image's user passes through
	must(t, os.Chmod(root, 0o755))
	r := tar.NewReader(mutate.Extract(image))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return root
		}
		must(t, err)
		path := filepath.Join(root, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			must(t, os.Mkdir(path, 0o755))
		} else {
			body, err := io.ReadAll(r)
			must(t, err)
			must(t, os.WriteFile(path, body, 0o644))
		}
		must(t, os.Chmod(path, h.FileInfo().Mode()))
		if os.Geteuid() == 0 {
			must(t, os.Chown(path, h.Uid, h.Gid))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
