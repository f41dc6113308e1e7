// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bessform/terraform-provider-bess/images/appliance/gpt"
	"github.com/bessform/terraform-provider-bess/images/appliance/seed"
)

func TestJudgeClock(t *testing.T) {
	build := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		now   time.Time
		guess time.Time
		bad   string
	}{
		{build.Add(time.Hour), time.Time{}, ""},
		{time.Unix(0, 0), build, "1970-01-01 00:00:00, before"},
		{build.AddDate(40, 0, 0), time.Time{}, "2066-11-01 00:00:00, long after"},
	} {
		guess, why := judgeClock(c.now, build)
		if !guess.Equal(c.guess) || (why == "") != (c.bad == "") || !strings.Contains(why, c.bad) {
			t.Errorf("%v: %v %q", c.now, guess, why)
		}
	}
}

func TestIsOrphan(t *testing.T) {
	for stat, want := range map[string]bool{
		"7 (a) b) Z 1 7 7": true, "7 (x) S 1 7": false, "7 (x) Z 2 7": false, "": false, "7 (x)": false,
	} {
		if isOrphan([]byte(stat)) != want {
			t.Errorf("%q: %v", stat, !want)
		}
	}
}

func TestPressed(t *testing.T) {
	event := func(kind, code uint16, value uint32) []byte {
		b := make([]byte, inputEvent)
		binary.LittleEndian.PutUint16(b[16:], kind)
		binary.LittleEndian.PutUint16(b[18:], code)
		binary.LittleEndian.PutUint32(b[20:], value)
		return b
	}
	down, up, other := event(evKey, keyPower, 1), event(evKey, keyPower, 0), event(0, 0, 0)
	if !pressed(append(other, down...)) || pressed(append(up, other...)) || pressed(down[:10]) {
		t.Fatal("only the power button going down counts")
	}
}

func TestSlotNames(t *testing.T) {
	for name, want := range map[string]string{
		`\EFI\Linux\bess-a+3.efi`: "a", "bess-b+1-2.efi": "b", "bess-a.efi": "a", "/EFI/Linux/bess-a.efi": "a",
		"debian.efi": "", "bess-ab.efi": "", "": "",
	} {
		got := ""
		if m := slotName.FindStringSubmatch(name); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"/EFI/Linux/bess-a+3.efi": "/EFI/Linux/bess-a.efi", "bess-b+1-2.efi": "bess-b.efi", "bess-a.efi": "bess-a.efi",
	} {
		if got := blessedName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := utf16Text([]byte{'a', 0, 0xe4, 0, 0, 0, 'x', 0}); got != "aä" {
		t.Errorf("%q", got)
	}
}

func TestFileSystemsAreRecognised(t *testing.T) {
	iso := make([]byte, 33<<10)
	copy(iso[16*2048:], "\x01CD001")
	copy(iso[16*2048+40:], "CIDATA                          ")
	fat := make([]byte, 4096)
	copy(fat[71:], "SEED       FAT32   ")
	fat[510], fat[511] = 0x55, 0xaa
	small := make([]byte, 4096)
	copy(small[43:], "cidata     FAT12   ")
	small[510], small[511] = 0x55, 0xaa
	ext := make([]byte, 4096)
	ext[1024+0x38], ext[1024+0x39] = 0x53, 0xef
	copy(ext[1024+0x78:], "DATA")
	for _, c := range []struct {
		disk        []byte
		kind, label string
	}{{iso, "iso9660", "CIDATA"}, {fat, "vfat", "SEED"}, {small, "vfat", "cidata"}, {ext, "ext4", "DATA"}, {nil, "", ""}, {make([]byte, 1<<20), "", ""}} {
		kind, label := fileSystem(bytes.NewReader(c.disk))
		if kind != c.kind || label != c.label {
			t.Errorf("%s %s: got %q %q", c.kind, c.label, kind, label)
		}
	}
}

func TestSeedVolumesGoBeforeThoseOfCloudInit(t *testing.T) {
	vols := []volume{{dev: "a", kind: "ext4", label: "SEED"}, {dev: "b", kind: "iso9660", label: "cidata"}, {dev: "c", kind: "vfat", label: "SEED"}}
	if v, label := findSeed(vols); v == nil || v.dev != "c" || label != labelSeed {
		t.Fatal(v, label)
	}
	if v, label := findSeed(vols[:2]); v == nil || v.dev != "b" || label != labelNoCloud {
		t.Fatal(v, label)
	}
	if v, _ := findSeed(vols[:1]); v != nil {
		t.Fatal(v)
	}
}

func TestDataIsFoundByItsName(t *testing.T) {
	data := gpt.Partition{Type: gpt.TypeLinux, Name: dataName}
	if v, _ := findData([]volume{{part: 1}, {dev: "x", part: 2, entry: data}}); v == nil || v.dev != "x" {
		t.Fatal(v)
	}
	if v, why := findData([]volume{{dev: "/dev/a", problem: "it is too small"}, {part: 1}}); v != nil || why != "no disk has a partition named DATA; /dev/a: it is too small" {
		t.Fatal(v, why)
	}
}

func TestInterfacesAreFound(t *testing.T) {
	mac, _ := net.ParseMAC("52:54:00:12:34:56")
	list := []nic{{"eth0", mac, "0000:00:02.0"}, {"eth1", nil, "0000:00:03.0"}}
	for _, c := range []struct {
		want seed.Interface
		name string
	}{
		{seed.Interface{MAC: mac}, "eth0"}, {seed.Interface{PCI: "0000:00:03.0"}, "eth1"}, {seed.Interface{Kernel: "eth1"}, "eth1"},
		{seed.Interface{PCI: "0000:00:09.0"}, ""},
	} {
		n := find(list, c.want)
		if n == nil != (c.name == "") || n != nil && n.name != c.name {
			t.Errorf("%s: %v", wanted(c.want), n)
		}
	}
}

// A lease for one interface does not hide that another is not there.
func TestNetworkIsWellWhenAllOfItIs(t *testing.T) {
	f := newFacts()
	f.file = filepath.Join(t.TempDir(), "facts")
	l := newLinks(f)
	now := func() string { return fmt.Sprint(f.state.Conditions) }
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { l.asks("eth0") }, "[{network false eth0: waiting for a DHCP lease}]"},
		{func() { l.bad("", "no interface has pci %s", "x") }, "[{network false no interface has pci x; eth0: waiting for a DHCP lease}]"},
		{func() { l.good("eth0") }, "[{network false no interface has pci x}]"},
		{func() { l.bad("eth0", "eth0: the lease has ended") }, "[{network false no interface has pci x; eth0: the lease has ended}]"},
		{func() { l.good("") }, "[{network false eth0: the lease has ended}]"},
		{func() { l.good("eth0") }, "[{network true }]"},
	} {
		if step.do(); now() != step.want {
			t.Errorf("%s, want %s", now(), step.want)
		}
	}
	l.wait(time.Hour) // nobody waits
}

func TestSettingsOfALease(t *testing.T) {
	ack, err := dhcpv4.New(dhcpv4.WithYourIP(net.IPv4(192, 0, 2, 7)), dhcpv4.WithNetmask(net.CIDRMask(25, 32)),
		dhcpv4.WithRouter(net.IPv4(192, 0, 2, 1)), dhcpv4.WithDNS(net.IPv4(192, 0, 2, 53)), dhcpv4.WithLeaseTime(600))
	if err != nil {
		t.Fatal(err)
	}
	want := lent{netip.MustParsePrefix("192.0.2.7/25"), []seed.Route{{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.1")}},
		[]netip.Addr{netip.MustParseAddr("192.0.2.53")}, 10 * time.Minute}
	if got := settings(ack); !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v", got)
	}
	empty, _ := dhcpv4.New()
	if got := settings(empty); got.length != defaultLease {
		t.Fatalf("%+v", got)
	}
}

func TestBuffersSuitTheMemory(t *testing.T) {
	for kib, want := range map[int]int{0: leastBuffers, 128 << 10: 8192, 512 << 10: 32768, 64 << 20: mostBuffers} {
		if got := suitable(kib); got != want {
			t.Errorf("%d KiB: %d, want %d", kib, got, want)
		}
	}
}

func TestBundlesKeepASeed(t *testing.T) {
	text := "apiVersion: bess.dev/v1\nkind: Seed\nhostname: box\ndeclarationFile: p.yaml\n"
	c := &bundle{Files: map[string][]byte{seed.FileName: []byte(text), "p.yaml": []byte("x")}}
	if got := c.decode(); len(got.findings) > 0 || got.Hostname != "box" || string(got.Declaration) != "x" || !strings.HasPrefix(got.name(), "digest:") {
		t.Fatalf("%+v", got)
	}
	c = &bundle{NoCloud: true, Files: map[string][]byte{"meta-data": []byte("instance-id: i-1\n")}}
	if got := c.decode(); len(got.findings) > 0 || got.name() != "id:i-1" {
		t.Fatalf("%+v", got)
	}
}

func TestWriteFileReplacesAsAWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	for _, text := range []string{"one", "two"} {
		if err := writeFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Fatal(string(got), err)
		}
	}
	if err := writeFile(filepath.Join(name, "y"), nil, 0o600); err == nil {
		t.Fatal("no error")
	}
	if left, _ := filepath.Glob(name + ".*"); len(left) > 0 {
		t.Fatal(left)
	}
}
