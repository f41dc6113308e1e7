// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package boottest starts the appliance's image in virtual machines. It has
// nothing but tests.
package boottest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

var built struct {
	once  sync.Once
	dir   string
	image vm.Image
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built.dir)
	os.Exit(code)
}

// image builds the image, once.
func image(t *testing.T) vm.Image {
	t.Helper()
	if testing.Short() {
		t.Skip("starts virtual machines")
	}
	need.Programs(t, append([]string{vm.Program, "qemu-img", "objcopy", "mke2fs", "zstd"}, vm.SeedPrograms...)...)
	built.once.Do(func() {
		root, err := filepath.Abs("../..")
		if err == nil {
			built.dir, err = os.MkdirTemp("", "boot")
		}
		if err == nil {
			built.image, err = vm.Build(root, filepath.Join(built.dir, "image"))
		}
		built.err = err
	})
	if built.err != nil {
		if strings.Contains(built.err.Error(), "download ") {
			need.Skip(t, need.NoArchive, built.err.Error())
		}
		t.Fatal(built.err)
	}
	return built.image
}

// start starts a machine that ends with the test. If the test fails, the log
// has its console.
func start(t *testing.T, c vm.Config) (*vm.VM, context.Context) {
	t.Helper()
	dir, err := os.MkdirTemp("", "vm") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	c.Dir = dir
	ctx, cancel := context.WithTimeout(context.Background(), vm.Patience)
	m, err := vm.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		m.Kill()
		_ = os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("console:\n%s", m.Console())
		}
	})
	return m, ctx
}

// must waits for something on the console.
func must(ctx context.Context, t *testing.T, m *vm.VM, pattern string) {
	t.Helper()
	if _, err := m.WaitConsole(ctx, regexp.MustCompile(pattern)); err != nil {
		t.Fatal(err)
	}
}

// operator is somebody who makes boxes: an authority of certificates.
type operator struct {
	t  *testing.T
	ca *pki.Pair
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	ca, err := pki.NewAuthority("operator", time.Now().Add(-time.Hour), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &operator{t, ca}
}

// tls returns the section tls of a seed.
func (o *operator) tls() string {
	o.t.Helper()
	key, err := pki.NewKey()
	if err != nil {
		o.t.Fatal(err)
	}
	p, err := o.ca.IssueServer(pki.Server{Name: "box", Hosts: []string{"box"}}, key)
	if err != nil {
		o.t.Fatal(err)
	}
	private, err := pki.EncodeKey(key)
	if err != nil {
		o.t.Fatal(err)
	}
	block := func(name string, text []byte) string {
		return "  " + name + ": |\n    " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ") + "\n"
	}
	return "tls:\n" + block("cert", pki.EncodeCerts(p.Cert)) + block("key", private) + block("clientCA", pki.EncodeCerts(o.ca.Cert))
}

// dial connects to a box as an administrator, and waits until it is healthy.
func (o *operator) dial(ctx context.Context, m *vm.VM) *grpc.ClientConn {
	o.t.Helper()
	key, err := pki.NewKey()
	if err != nil {
		o.t.Fatal(err)
	}
	cert, err := o.ca.IssueClient(pki.Client{Name: "admin1", Role: pki.Admin}, key.Public())
	if err != nil {
		o.t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "box", NextProtos: []string{"h2"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	c.RootCAs.AddCert(o.ca.Cert)
	conn, err := grpc.NewClient(m.API, grpc.WithTransportCredentials(credentials.NewTLS(c)))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = conn.Close() })
	for {
		r, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: "bess.pb.BESSControl"}, grpc.WaitForReady(true))
		if err == nil && r.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return conn
		}
		if ctx.Err() != nil {
			o.t.Fatalf("the box does not get healthy: %v %v", r, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// modules returns the names of the modules that a box runs.
func modules(ctx context.Context, t *testing.T, conn *grpc.ClientConn) string {
	t.Helper()
	r, err := api.NewBESSControlClient(conn).ListModules(ctx, &api.EmptyRequest{})
	if err != nil || r.GetError() != nil {
		t.Fatal(r, err)
	}
	var names []string
	for _, m := range r.GetModules() {
		names = append(names, m.GetName())
	}
	return fmt.Sprint(names)
}

const seedHead = "apiVersion: bess.dev/v1\nkind: Seed\n"

const declaration = `declaration:
  apiVersion: bess.dev/v1
  kind: Pipeline
  spec:
    workers: {0: {core: 1}}
    modules: {src: {class: Source}, out: {class: Sink}}
    links: [src -> out]
`

// writeSeed makes a seed volume.
func writeSeed(t *testing.T, text string) vm.Disk {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed")
	if err := vm.WriteSeed(file, "SEED", map[string]string{"seed.yaml": text}); err != nil {
		t.Fatal(err)
	}
	return vm.Disk{File: file, Format: "raw"}
}

const gib = 1 << 30

// The first boot does what the seed says, and what it was told and made is
// there at the second boot, without the seed.
func TestSeedAndMemory(t *testing.T) {
	i, o := image(t), newOperator(t)
	disk := vm.Disk{File: filepath.Join(t.TempDir(), "disk"), Format: "raw", Keep: true}
	if err := i.NewDisk(disk.File, gib); err != nil {
		t.Fatal(err)
	}
	const uuid = "0b3c5f1e-8e8a-4b1e-9a34-6e0d5ad0a001"
	seed := writeSeed(t, seedHead+`hostname: edge-1
network:
  interfaces:
    - {match: {mac: "52:54:00:00:00:01"}, name: mgmt, dhcp: true}
    - {match: {pci: "0000:00:0f.0"}, name: gone}
system: {hugepages: {2M: 16}, isolatedCores: "1", buffers: 16384}
`+o.tls()+declaration)
	nic := []vm.NIC{{MAC: "52:54:00:00:00:01"}}
	m, ctx := start(t, i.Direct(vm.Config{Disks: []vm.Disk{disk, seed}, NICs: nic, UUID: uuid}))
	if got := modules(ctx, t, o.dial(ctx, m)); got != "[out src]" {
		t.Fatalf("modules %s", got)
	}
	for _, line := range []string{
		`init: /dev/vda2 has grown to the size of the disk`,
		`init: seed of /dev/vdb \(SEED\)`,
		`init: ERROR: network: network.interfaces\[1\]: no interface has pci 0000:00:0f.0; there are \[eth0 `,
		`init: mgmt: 10\.0\.2\.`,
		`init: cores \[1\] are for workers`,
		`bessd: .*buffers=16384`,
	} {
		must(ctx, t, m, line)
	}
	if err := m.PowerButton(); err != nil {
		t.Fatal(err)
	}
	must(ctx, t, m, `init: power off: the power button`)
	if err := m.WaitEnd(ctx); err != nil {
		t.Fatal(err)
	}

	m, ctx = start(t, i.Direct(vm.Config{Disks: []vm.Disk{disk}, NICs: nic, UUID: uuid}))
	if got := modules(ctx, t, o.dial(ctx, m)); got != "[out src]" {
		t.Fatalf("modules after the second boot: %s", got)
	}
	must(ctx, t, m, `init: the seed of an earlier boot is used`)
	m.Kill()

	// Another machine with the same disk says that it is a clone.
	m, ctx = start(t, i.Direct(vm.Config{Disks: []vm.Disk{disk}, NICs: nic, UUID: "0b3c5f1e-8e8a-4b1e-9a34-6e0d5ad0a002"}))
	must(ctx, t, m, `init: ERROR: identity: DATA was made by machine "0b3c5f1e-[^"]*001", this is machine "[^"]*002"`)
	o.dial(ctx, m)
}

// Through firmware and boot loader, without a seed: the box waits to be
// enrolled, and marks its image as good.
func TestFirmwareAndSlots(t *testing.T) {
	need.File(t, "/usr/share/OVMF/OVMF_CODE.fd")
	i := image(t)
	m, ctx := start(t, vm.Config{Firmware: vm.OVMF(), Disks: []vm.Disk{{File: i.File("bess-appliance.qcow2"), Format: "qcow2"}}, NICs: []vm.NIC{{}}})
	must(ctx, t, m, `init: slot a, kernel 6\.1\.`)
	must(ctx, t, m, `init: no volume is labelled SEED or CIDATA: the box waits to be enrolled`)
	must(ctx, t, m, `bessd: .*no client is enrolled yet.* fingerprint=[0-9a-f]{64}`)
	must(ctx, t, m, `init: bess-a\.efi is marked as good`)
}

// A seed with a mistake is not obeyed, but the box can be reached.
func TestSeedWithAMistake(t *testing.T) {
	i := image(t)
	seed := writeSeed(t, seedHead+"hostname: edge-2\nsytem: {buffers: 16384}\nenroll: {token: 0123456789abcdef0123}\n"+declaration)
	m, ctx := start(t, i.Direct(vm.Config{Disks: []vm.Disk{seed}, NICs: []vm.NIC{{}}}))
	must(ctx, t, m, `init: ERROR: /dev/vda: seed\.yaml:4:1: error: sytem: unknown key "sytem" \(did you mean "system"\?\)`)
	must(ctx, t, m, `init: ERROR: data: no disk has a partition named DATA; nothing is kept over a reboot`)
	must(ctx, t, m, `bessd: .*no client is enrolled yet.* token=`)
	if strings.Contains(m.Console(), "declaration applied") {
		t.Fatal("the declaration of a wrong seed was applied")
	}
}
