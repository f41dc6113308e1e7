// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is neither root nor one that a distribution gives to people.
const user = 65532

// index returns the images of all architectures.
func (r *release) index() (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range r.archs {
		image, err := r.image(arch)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return index, nil
}

// image returns the image of one architecture: a single layer on nothing.
func (r *release) image(arch string) (v1.Image, error) {
	files, err := r.rootfs(arch)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: r.created}, CreatedBy: "images/oci", Comment: "bessd and bessctl " + r.version},
	})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, r.config(config.DeepCopy(), arch))
}

// config completes what the image says about how it is run.
func (r *release) config(c *v1.ConfigFile, arch string) *v1.ConfigFile {
	c.OS, c.Architecture, c.Created = "linux", arch, v1.Time{Time: r.created}
	c.Config = v1.Config{
		User:         fmt.Sprintf("%d:%[1]d", user),
		Env:          []string{"PATH=/usr/bin"},
		Entrypoint:   []string{"/usr/bin/bessd", "-f", "-skip_root_check", "-i", "/run/bess/bessd.pid"},
		WorkingDir:   "/var/lib/bess",
		ExposedPorts: map[string]struct{}{"10514/tcp": {}},
		StopSignal:   "SIGTERM",
		Labels: map[string]string{ // OCI image specification, annotations.md
			"org.opencontainers.image.title":       "bess",
			"org.opencontainers.image.description": "Packet engine with a declared pipeline, and its command line",
			"org.opencontainers.image.version":     r.version,
			"org.opencontainers.image.revision":    r.revision,
			"org.opencontainers.image.created":     r.created.Format("2006-01-02T15:04:05Z"),
			"org.opencontainers.image.source":      "https://github.com/bessform/terraform-provider-bess",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.vendor":      "The BESS appliance authors",
		},
	}
	return c
}
