// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/images/appliance/seed"
)

// told is what the box has been told, and by which volume.
type told struct {
	*seed.Seed
	from     string
	findings []seed.Finding
}

// right reports whether a section of the seed means what was meant.
func (t *told) right(section string) bool { return !seed.Touches(t.findings, section) }

// Labels of volumes, and the biggest file that is read from them.
const (
	labelSeed    = "SEED"
	labelNoCloud = "CIDATA"
	maxSeedFile  = 16 << 20
	// seedFile keeps the last seed without errors: the volume may be taken
	// away after the first boot.
	seedFile = dataDir + "/seed.json"
)

// bundle is the content of a volume, as far as it was read.
type bundle struct {
	NoCloud bool              `json:"nocloud"`
	Files   map[string][]byte `json:"files"`
}

// readSeed reads the seed of a volume, else the one kept.
func (b *box) readSeed(vols []volume) {
	v, label := findSeed(vols)
	if v == nil {
		b.keptSeed("")
		return
	}
	c, err := readVolume(v, label == labelNoCloud)
	if err != nil {
		b.facts.bad("seed", "%s, labelled %s: %v", v.dev, v.label, err)
		b.keptSeed(v.dev)
		return
	}
	t := c.decode()
	t.from = v.dev
	for _, f := range t.findings {
		s := severe
		if f.Warning {
			s = warning
		}
		logf(s, "%s: %s", v.dev, f)
	}
	if seed.HasErrors(t.findings) {
		b.facts.note("seed", false, fmt.Sprintf("%s: %s", v.dev, firstError(t.findings)))
		if !b.keptSeed(v.dev) {
			b.told = t
			logf(severe, "the seed has errors: only its host name and network are used, where they are right; the box waits to be enrolled")
		}
		return
	}
	b.told = t
	logf(notice, "seed of %s (%s)", v.dev, v.label)
	b.facts.good("seed")
	if b.data != nil {
		text, err := json.Marshal(c)
		if err == nil {
			err = writeFile(seedFile, text, 0o600)
		}
		if err != nil {
			b.facts.bad("seed", "it cannot be kept: %v", err)
		}
	}
}

func firstError(fs []seed.Finding) seed.Finding {
	for _, f := range fs {
		if !f.Warning {
			return f
		}
	}
	return seed.Finding{}
}

// keptSeed uses the seed that was kept and reports whether there is one. bad
// is the volume that cannot be used, if any.
func (b *box) keptSeed(bad string) bool {
	text, err := os.ReadFile(seedFile)
	var c bundle
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	var t *told
	if err == nil {
		t = c.decode()
		if seed.HasErrors(t.findings) { // kept by another version
			err = errors.New(firstError(t.findings).String())
		}
	}
	switch {
	case err == nil:
		t.from = seedFile
		b.told = t
		logf(notice, "the seed of an earlier boot is used")
	case !errors.Is(err, fs.ErrNotExist):
		b.facts.bad("seed", "%s: %v", seedFile, err)
	case bad == "":
		logf(notice, "no volume is labelled %s or %s: the box waits to be enrolled", labelSeed, labelNoCloud)
	}
	if bad == "" && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		b.facts.good("seed")
	}
	return err == nil
}

// findSeed returns the volume to read, and its label in capitals.
func findSeed(vols []volume) (*volume, string) {
	for _, label := range []string{labelSeed, labelNoCloud} {
		var found *volume
		for i := range vols {
			v := &vols[i]
			if strings.ToUpper(v.label) != label || v.kind != "vfat" && v.kind != "iso9660" {
				continue
			}
			if found != nil {
				logf(warning, "%s and %s are both labelled %s; %s is used", found.dev, v.dev, label, found.dev)
				break
			}
			found = v
		}
		if found != nil {
			return found, label
		}
	}
	return nil, ""
}

// readVolume reads the files of a volume.
func readVolume(v *volume, noCloud bool) (*bundle, error) {
	const at = "/run/seed"
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	if err := unix.Mount(v.dev, at, v.kind, safe|unix.MS_RDONLY, ""); err != nil {
		return nil, fmt.Errorf("mount: %w", err)
	}
	defer func() { _ = unix.Unmount(at, unix.MNT_DETACH) }()
	c := &bundle{NoCloud: noCloud, Files: map[string][]byte{}}
	read := func(name string) ([]byte, error) {
		text, err := readSome(filepath.Join(at, name))
		if err == nil {
			c.Files[name] = text
		}
		return text, err
	}
	if noCloud {
		_, _ = seed.DecodeNoCloud(read) // for what it reads
		return c, nil
	}
	text, err := read(seed.FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s on it", seed.FileName)
	}
	if err != nil {
		return nil, err
	}
	_, _ = seed.Decode(seed.FileName, text, read)
	return c, nil
}

func readSome(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxSeedFile+1))
	if err == nil && len(text) > maxSeedFile {
		err = fmt.Errorf("more than %d bytes", maxSeedFile)
	}
	return text, err
}

// decode reads a bundle.
func (c *bundle) decode() *told {
	files := func(name string) ([]byte, error) {
		if text, ok := c.Files[name]; ok {
			return text, nil
		}
		return nil, fs.ErrNotExist
	}
	t := &told{}
	if c.NoCloud {
		t.Seed, t.findings = seed.DecodeNoCloud(files)
	} else {
		t.Seed, t.findings = seed.Decode(seed.FileName, c.Files[seed.FileName], files)
	}
	return t
}
