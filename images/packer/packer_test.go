// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package packer checks the templates, and boots what they made: the tests are
// all there is.
package packer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// packer runs Packer, which must not call home.
func packer(t *testing.T, args ...string) (string, error) {
	t.Helper()
	need.Programs(t, "packer")
	cmd := exec.Command("packer", args...)
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "PACKER_CONFIG_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestFormat(t *testing.T) {
	for _, dir := range []string{".", "clouds", "plugins"} {
		if out, err := packer(t, "fmt", "-check", "-diff", dir); err != nil {
			t.Errorf("packer fmt %s: %v\n%s", dir, err, out)
		}
	}
}

// variables are those of bess.pkr.hcl, with files that exist.
func variables(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, name := range []string{"base", "package", "seed", "key"} {
		args = append(args, "-var", name+"="+file)
	}
	return args
}

// sshKey makes a private key: Packer looks into it.
func sshKey(t *testing.T) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		need.Skip(t, need.NoProgram, "ssh-keygen: "+string(out))
	}
	return key
}

func TestTemplateIsValid(t *testing.T) {
	args := append([]string{"validate"}, variables(t)...)
	args = append(args, "-var", "key="+sshKey(t))
	if out, err := packer(t, append(args, "bess.pkr.hcl")...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("bess.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "restrict=on,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22") {
		t.Error("ssh is not forwarded on the loopback address only")
	}
	wrong := filepath.Join(t.TempDir(), "wrong.pkr.hcl")
	if err := os.WriteFile(wrong, []byte(strings.Replace(string(text), "disk_image ", "disc_image ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := packer(t, append(args, wrong)...); err == nil {
		t.Errorf("a misspelt field is valid:\n%s", out)
	}
}

func TestCloudsAreValid(t *testing.T) {
	for builder, file := range map[string]string{"amazon-ebs": "amazon", "googlecompute": "google", "azure-arm": "azure"} {
		out, err := packer(t, "validate", "-only="+builder+".debian", "-var-file=clouds/"+file+".pkrvars.hcl", "-var=package=seed.sh",
			"clouds/clouds.pkr.hcl") // any file is a package here
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

func TestHypervisorsAreValid(t *testing.T) {
	t.Setenv("PKR_VAR_password", "secret")
	key := sshKey(t)
	for _, name := range []string{"proxmox", "vsphere"} {
		out, err := packer(t, "validate", "-only="+name+"-clone.debian", "-var-file=clouds/"+name+".pkrvars.hcl", "-var=package=seed.sh",
			"-var=key="+key, "clouds/hypervisors.pkr.hcl")
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
