// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
)

func TestCompose(t *testing.T) {
	dir := filepath.Join(root, "examples/compose")
	options, err := cli.NewProjectOptions([]string{filepath.Join(dir, "compose.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context()) // against the schema of the specification
	if err != nil {
		t.Fatal(err)
	}
	service, err := project.GetService("bessd")
	if err != nil {
		t.Fatal(err)
	}
	flags(t, service.Command)
	if len(service.Volumes) != 1 {
		t.Fatalf("%d volumes, want 1", len(service.Volumes))
	}
	text, err := os.ReadFile(service.Volumes[0].Source)
	if err != nil {
		t.Fatal(err)
	}
	pipeline(t, string(text))
}
