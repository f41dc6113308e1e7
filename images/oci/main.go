// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command oci puts bessd and bessctl into a container image: nothing else is
// in it, and no container engine is needed. It writes an OCI image layout (OCI
// image specification, image-layout.md) with one image for each architecture,
// and the same as one tar file. The same programs, version and time give the
// same digest.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// release is what makes an image.
type release struct {
	programs string    // folder with <arch>/bessd and <arch>/bessctl
	licence  string    // file
	archs    []string  // as Go and OCI call them
	version  string    // of the programs
	revision string    // commit they are built from
	created  time.Time // of every file, and of the image
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oci:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var r release
	fs := flag.NewFlagSet("oci", flag.ContinueOnError)
	fs.StringVar(&r.programs, "programs", "", "`folder` with <arch>/bessd and <arch>/bessctl")
	fs.StringVar(&r.licence, "licence", "LICENSE", "licence `file`")
	fs.StringVar(&r.version, "version", "", "version of the programs")
	fs.StringVar(&r.revision, "revision", "", "commit they are built from")
	archs := fs.String("archs", "amd64,arm64", "architectures, separated by commas")
	epoch := fs.Int64("epoch", 0, "time of all files, in `seconds` since 1970")
	out := fs.String("out", "dist", "`folder` to write oci/ and bess.oci.tar into")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if r.programs == "" || r.version == "" || fs.NArg() > 0 {
		return fmt.Errorf("give -programs and -version, and no other argument than flags (%q)", fs.Args())
	}
	r.archs, r.created = strings.Split(*archs, ","), time.Unix(*epoch, 0).UTC()
	index, err := r.index()
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	dir := filepath.Join(*out, "oci")
	if err := writeLayout(dir, index, r.version); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	archive := filepath.Join(*out, "bess.oci.tar")
	if err := writeArchive(archive, dir, r.created); err != nil {
		return fmt.Errorf("write %s: %w", archive, err)
	}
	fmt.Printf("%s and %s: bess:%s %s\n", dir, archive, r.version, digest)
	return nil
}
