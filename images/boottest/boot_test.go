// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

const declaration = `declaration:
  apiVersion: bess.dev/v1
  kind: Pipeline
  spec:
    workers: {0: {core: 1}}
    modules: {src: {class: Source}, out: {class: Sink}}
    links: [src -> out]
`

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
	began := time.Now()
	m, ctx := start(t, vm.Config{Firmware: vm.OVMF(), Disks: []vm.Disk{{File: i.File("bess-appliance.qcow2"), Format: "qcow2"}}, NICs: []vm.NIC{{}}})
	must(ctx, t, m, `init: slot a, kernel 6\.1\.`)
	must(ctx, t, m, `init: no volume is labelled SEED or CIDATA: the box waits to be enrolled`)
	must(ctx, t, m, `bessd: .*no client is enrolled yet.* fingerprint=[0-9a-f]{64}`)
	must(ctx, t, m, `init: bess-a\.efi is marked as good`)
	took(t, "power on to slot marked as good, UEFI", began)
}
