// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bessform/terraform-provider-bess/images/appliance/gpt"
)

// Names of what describes the image.
const (
	manifestFile  = "manifest.json"
	signatureFile = "manifest.json.sig"
	publicFile    = "signing.pub"
)

// manifest is manifest.json: what an image is and what it is made of. With
// its signature it vouches for every file beside it.
type manifest struct {
	Name        string      `json:"name"`
	Version     string      `json:"version"`
	Kernel      string      `json:"kernel"` // release
	Flavour     string      `json:"flavour"`
	Sources     string      `json:"sourceDate"` // RFC 3339
	CommandLine string      `json:"commandLine"`
	Slot        string      `json:"slot"` // file in the boot partition
	Packages    []deb       `json:"debianPackages"`
	Partitions  []partition `json:"partitions"`
	Parts       []file      `json:"parts"` // what the files are made of
	Files       []file      `json:"files"` // beside this one
	Signing     signing     `json:"signing"`
}

// file is a file with its SHA-256.
type file struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

type partition struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	GUID   string `json:"guid"`
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// signing says who signs.
type signing struct {
	Algorithm   string `json:"algorithm"`
	PublicKey   string `json:"publicKey"` // SHA-256 of its DER form
	Development bool   `json:"development"`
	Note        string `json:"note,omitempty"`
}

// describe writes and signs the manifest.
func (b *builder) describe() error {
	key, s, err := b.signingKey()
	if err != nil {
		return err
	}
	if err := key.writePublic(filepath.Join(b.result, publicFile)); err != nil {
		return err
	}
	m := manifest{Name: "bess-appliance", Version: b.version, Kernel: b.release, Flavour: b.kernel,
		Sources: time.Unix(b.epoch, 0).UTC().Format(time.RFC3339), CommandLine: commandLine, Slot: "EFI/Linux/" + slotFile,
		Packages: b.packages, Parts: b.parts, Signing: s}
	for i, from := range []string{b.layout.esp, b.layout.data} {
		sum, size, err := digest(from)
		if err != nil {
			return err
		}
		p := b.layout.table.Partitions[i]
		m.Partitions = append(m.Partitions, partition{i + 1, p.Name, p.ID.String(), int64(p.First) * gpt.Sector, size, sum})
	}
	if m.Files, err = listFiles(b.result); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if err := os.WriteFile(filepath.Join(b.result, manifestFile), text, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.result, signatureFile), key.sign(text), 0o644)
}

// listFiles returns the files of a folder, sorted, without the manifest and
// its signature.
func listFiles(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []file
	for _, e := range entries {
		if e.Name() == manifestFile || e.Name() == signatureFile {
			continue
		}
		sum, size, err := digest(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		list = append(list, file{e.Name(), size, sum})
	}
	slices.SortFunc(list, func(a, b file) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return list, nil
}

// digest returns SHA-256 and size of a file.
func digest(name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
