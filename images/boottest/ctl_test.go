// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// ctl is somebody with bessctl and nothing else.
type ctl struct {
	t       *testing.T
	program string
	dir     string // of the certificates
}

// bessctl is built once; the folder it is in goes with the tests.
var bessctl = sync.OnceValues(func() (string, error) {
	var err error
	if built.programs, err = os.MkdirTemp("", "bessctl"); err != nil {
		return "", err
	}
	program := filepath.Join(built.programs, "bessctl")
	cmd := exec.Command("go", "build", "-o", program, "../../appliance/cmd/bessctl")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

func newCtl(t *testing.T) *ctl {
	t.Helper()
	program, err := bessctl()
	if err != nil {
		t.Fatal(err)
	}
	return &ctl{t, program, t.TempDir()}
}

// run runs bessctl and returns what it says, and its exit status.
func (c *ctl) run(args ...string) (string, int) {
	c.t.Helper()
	out, err := exec.Command(c.program, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	if exit != nil {
		return string(out), exit.ExitCode()
	}
	return string(out), 0
}

// enroll gets a certificate from a box.
func (c *ctl) enroll(m *vm.VM, token, fingerprint string) (string, int) {
	c.t.Helper()
	return c.run("enroll", "--address", m.API, "--token", token, "--fingerprint", fingerprint, "--name", "ann", "--dir", c.dir)
}

// known runs bessctl with the certificate that it has got.
func (c *ctl) known(m *vm.VM, args ...string) (string, int) {
	c.t.Helper()
	return c.run(append(args, "--address", m.API, "--ca", c.file("ca.crt"), "--cert", c.file("client.crt"), "--key", c.file("client.key"))...)
}

func (c *ctl) file(name string) string { return filepath.Join(c.dir, name) }

// dial makes a connection with the certificate.
func (c *ctl) dial(m *vm.VM) *grpc.ClientConn {
	c.t.Helper()
	conn, err := client.Dial(m.API, client.Options{TLS: client.TLS{CA: c.file("ca.crt"), Cert: c.file("client.crt"), Key: c.file("client.key")}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	return conn.Conn()
}
