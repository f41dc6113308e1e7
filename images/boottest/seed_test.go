// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// cdrom is a CD in a drive of a SCSI controller, as hypervisors attach seeds.
func cdrom(t *testing.T, label string, files map[string]string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.iso")
	if err := vm.WriteISO(file, label, files); err != nil {
		t.Fatal(err)
	}
	return []string{"-device", "virtio-scsi-pci", "-drive", "if=none,id=cd,media=cdrom,format=raw,readonly=on,file=" + file, "-device", "scsi-cd,drive=cd"}
}

// announced returns what the console says that a client needs to enrol.
func announced(t *testing.T, m *vm.VM, pattern string) (token, fingerprint string) {
	t.Helper()
	pattern += ` fingerprint=([0-9a-f]{64})`
	shows(t, m, pattern)
	all := regexp.MustCompile(pattern).FindAllStringSubmatch(m.Console(), -1)
	if all == nil {
		t.Fatal("the console does not say how to enrol")
	}
	last := all[len(all)-1]
	return last[1], last[2]
}

// The seed of a cloud, on a CD: host name, static address, huge pages, cores,
// pipeline, and a token that lets its holder in once. The disk is smaller than
// it says, which is no reason not to run.
func TestNoCloud(t *testing.T) {
	i, who := image(t), newCtl(t)
	disk := vm.Disk{File: filepath.Join(t.TempDir(), "disk"), Format: "raw", Keep: true}
	if err := i.NewDisk(disk.File, gib/4); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk.File, 160<<20); err != nil { // DATA ends at 193 MiB
		t.Fatal(err)
	}
	const token = "given-to-the-box-0001"
	cd := cdrom(t, "cidata", map[string]string{
		"meta-data": "instance-id: i-1\nlocal-hostname: cloud-1\n",
		"network-config": `version: 2
ethernets:
  first:
    match: {macaddress: "` + mgmtMAC + `"}
    set-name: mgmt
    addresses: [10.0.2.15/24, "2001:db8::15/64"]
    routes: [{to: default, via: 10.0.2.2}]
`,
		"user-data": `#cloud-config
packages: [vim]
bess:
  apiVersion: bess.dev/v1
  kind: Seed
  enroll: {token: ` + token + `}
  system: {hugepages: {2M: 8}, isolatedCores: "1"}
` + indent(declaration),
	})
	m, ctx := start(t, i.Direct(vm.Config{Disks: []vm.Disk{disk}, NICs: []vm.NIC{{MAC: mgmtMAC}}, Extra: cd}))
	must(ctx, t, m, `init: bessd answers`)
	for _, line := range []string{
		`init: warning: /dev/sr0: user-data:2:1: warning: "packages" is ignored`,
		`init: seed of /dev/sr0 \(cidata\)`,
		`init: ERROR: data: no disk has a partition named DATA; /dev/vda: partition table: it is of a disk of \d+ sectors, this one has 327680: the disk is too small`,
	} {
		shows(t, m, line)
	}

	digest, fingerprint := announced(t, m, `token_sha256=([0-9a-f]{64})`)
	if digest != fmt.Sprintf("%x", sha256.Sum256([]byte(token))) || strings.Contains(m.Console(), token) {
		t.Errorf("the console shows %s for token %s", digest, token)
	}
	for _, c := range []struct{ token, fingerprint, text string }{
		{"given-to-the-box-0002", fingerprint, "the join token is wrong"},
		{token, strings.Repeat("0", 64), "another machine answers"},
	} {
		if out, status := who.enroll(m, c.token, c.fingerprint); status != 1 || !strings.Contains(out, c.text) {
			t.Errorf("exit status %d, want %q: %s", status, c.text, out)
		}
	}
	if out, status := who.enroll(m, token, fingerprint); status != 0 || !strings.Contains(out, "You are ann, role admin") {
		t.Fatalf("enrol: exit status %d: %s", status, out)
	}
	other := &ctl{t, who.program, t.TempDir()}
	if out, status := other.enroll(m, token, fingerprint); status != 1 {
		t.Errorf("the token is good for two: %s", out)
	}

	conn := who.dial(m)
	if got := modules(ctx, t, conn); got != "[out src]" {
		t.Errorf("modules %s", got)
	}
	f, err := appliancepb.NewApplianceClient(conn).GetFacts(ctx, &appliancepb.GetFactsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	pages := slices.IndexFunc(f.GetHugePages(), func(h *appliancepb.HugePages) bool { return h.GetPageBytes() == hugePage })
	if f.GetHostname() != "cloud-1" || pages < 0 || f.GetHugePages()[pages].GetTotal() != 8 || !f.GetCores()[1].GetIsolated() {
		t.Errorf("%v", f)
	}
	if !slices.ContainsFunc(f.GetInterfaces(), func(i *appliancepb.Interface) bool { return i.GetName() == "mgmt" }) {
		t.Errorf("no interface is called mgmt: %v", f.GetInterfaces())
	}
	unwell(ctx, t, conn, map[string]string{"image.data": "the disk is too small"})
}

// A seed with a mistake is not obeyed, DATA is no file system, and an
// interface is not there: the box says so, each with its place, and can be
// reached and enrolled with.
func TestBadInput(t *testing.T) {
	i, who := image(t), newCtl(t)
	disk := newDisk(t, i)
	disk.destroy()
	seed := writeSeed(t, seedHead+`hostname: edge-2
sytem: {buffers: 16384}
network:
  interfaces:
    - {match: {mac: "`+mgmtMAC+`"}, name: mgmt, dhcp: true}
    - {match: {pci: "0000:00:0f.0"}, name: gone}
enroll: {token: 0123456789abcdef0123}
`+declaration)
	m, ctx := start(t, i.Direct(vm.Config{Disks: []vm.Disk{disk.vm(), seed}, NICs: []vm.NIC{{MAC: mgmtMAC}}}))
	must(ctx, t, m, `init: bessd answers`)
	wrong := map[string]string{
		"image.seed":    `/dev/vdb: seed.yaml:4:1: error: sytem: unknown key "sytem" (did you mean "system"?)`,
		"image.data":    `/dev/vda2: mount: invalid argument: repair it elsewhere (e2fsck) or write the image anew; nothing is kept over a reboot`,
		"image.network": `network.interfaces[1]: no interface has pci 0000:00:0f.0; there are [eth0 (mac ` + mgmtMAC,
	}
	for _, text := range wrong {
		shows(t, m, `init: ERROR: .*`+regexp.QuoteMeta(text))
	}
	if strings.Contains(m.Console(), "declaration applied") {
		t.Fatal("the declaration of a wrong seed was applied")
	}
	token, fingerprint := announced(t, m, `token=([A-Z2-7-]+)`)
	if out, status := who.enroll(m, token, fingerprint); status != 0 {
		t.Fatalf("enrol: exit status %d: %s", status, out)
	}
	// What init found gets to the daemon a moment after its first answer.
	unwell(ctx, t, who.dial(m), wrong)
	if out, status := who.known(m, "health"); status != 2 {
		t.Errorf("bessctl health: exit status %d: %s", status, out)
	}
}

// A disk that has no DATA, and no seed: the box says so, leaves the disk as it
// is, and can be enrolled with and told what to run.
func TestNoData(t *testing.T) {
	i, who := image(t), newCtl(t)
	disk := newDisk(t, i)
	disk.drop("DATA")
	before := disk.digest()
	m, ctx := start(t, i.Direct(vm.Config{Disks: []vm.Disk{disk.vm()}, NICs: []vm.NIC{{}}}))
	must(ctx, t, m, `init: bessd answers`)
	const reason = "no disk has a partition named DATA; nothing is kept over a reboot"
	shows(t, m, `init: ERROR: data: `+reason)
	token, fingerprint := announced(t, m, `token=([A-Z2-7-]+)`)
	if out, status := who.enroll(m, token, fingerprint); status != 0 {
		t.Fatalf("enrol: exit status %d: %s", status, out)
	}
	conn := who.dial(m)
	unwell(ctx, t, conn, map[string]string{"image.data": reason})
	if out, status := who.known(m, "health"); status != 2 || !strings.Contains(out, reason) {
		t.Errorf("bessctl health: exit status %d: %s", status, out)
	}
	if _, err := declarepb.NewPipelinesClient(conn).Apply(ctx, &declarepb.ApplyRequest{Documents: documents(variant(1))}); err != nil {
		t.Fatal(err)
	}
	if got := modules(ctx, t, conn); got != "[out1 src1]" {
		t.Errorf("modules %s", got)
	}
	// The log has it too, beside who has changed what.
	out, status := who.known(m, "log", "-n", "0", "-p", "info")
	for _, line := range []string{`err +init +data: ` + reason, `notice +init +bessd answers`, `info +bessd +msg=audit identity=ann role=admin .*call=bess\.declare\.v1\.Pipelines/Apply .*result=ok`} {
		if status != 0 || !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("bessctl log: exit status %d, no line %q:\n%s", status, line, out)
		}
	}
	if _, err := appliancepb.NewApplianceClient(conn).Shutdown(ctx, &appliancepb.ShutdownRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := m.WaitEnd(ctx); err != nil {
		t.Fatal(err)
	}
	if disk.digest() != before {
		t.Error("the disk was written to")
	}
}

// The hardware's clock is years late: it is set to the time of the build, and
// a client whose certificate is younger is told what to look at.
func TestClockFarOff(t *testing.T) {
	full(t)
	i, o := image(t), newOperator(t)
	cd := cdrom(t, "SEED", map[string]string{"seed.yaml": seedHead + o.tls() + declaration})
	m, ctx := start(t, i.Direct(vm.Config{NICs: []vm.NIC{{}}, Extra: append(cd, "-rtc", "base=2020-01-01T00:00:00")}))
	must(ctx, t, m, `init: bessd answers`)
	shows(t, m, `init: ERROR: clock: the hardware's clock says 2020-01-01 00:0\d:\d\d, before this image was built; set to 20\d\d-\d\d-\d\d .*: certificates may seem expired or not yet valid`)
	admin := o.files(o, pki.Client{Name: "ann", Role: pki.Admin})
	conn, err := client.Dial(m.API, client.Options{TLS: admin})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const text = "is not yet valid, or has expired: it is valid from "
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		_, err = conn.Version(ctx)
		if err != nil && strings.Contains(err.Error(), text) && strings.Contains(err.Error(), "check the clock of the daemon") {
			break
		}
		if err == nil || time.Now().After(end) {
			t.Fatalf("%v, want %q", err, text)
		}
	}
	t.Log(err)
	shows(t, m, `is not yet valid: it begins at \S+; check the clock, this machine says 20\d\d-`)
}
