// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

const modulePath = "github.com/bessform/terraform-provider-bess/"

// compile builds the two programs of the image.
func (b *builder) compile() error {
	for _, p := range []struct{ name, pkg, flags string }{
		{"bessd", "./appliance/cmd/bessd", "-X " + modulePath + "appliance/internal/version.version=" + b.version},
		{"init", "./images/appliance/init", "-X main.version=" + b.version + " -X main.built=" + strconv.FormatInt(b.epoch, 10)},
	} {
		to := filepath.Join(b.work, p.name)
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= "+p.flags, "-o", to, p.pkg)
		cmd.Dir = b.root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOFLAGS=", "GOTOOLCHAIN=local")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", p.pkg, err, out)
		}
		if err := b.part(p.name, to); err != nil {
			return err
		}
	}
	return nil
}

// part notes a file that the image is made of.
func (b *builder) part(name, path string) error {
	sum, size, err := digest(path)
	if err != nil {
		return err
	}
	b.parts = append(b.parts, file{name, size, sum})
	return nil
}
