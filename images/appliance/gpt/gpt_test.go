// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gpt

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// disk is memory that can be written like one.
type disk []byte

func (d disk) WriteAt(b []byte, at int64) (int, error) { return copy(d[at:], b), nil }

func table() *Table {
	return &Table{ID: MustGUID("01020304-0506-0708-090a-0b0c0d0e0f10"), Sectors: 65536, Partitions: []Partition{
		{Type: TypeESP, ID: MustGUID("11111111-2222-3333-4444-555555555555"), First: 2048, Last: 8191, Name: "ESP"},
		{Type: TypeLinux, ID: MustGUID("66666666-7777-8888-9999-aaaaaaaaaaaa"), First: 8192, Last: 63487, Name: "DATA"},
	}}
}

func written(t *testing.T) disk {
	t.Helper()
	d := make(disk, table().Sectors*Sector)
	if err := table().Write(d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadsWhatItWrote(t *testing.T) {
	d := written(t)
	got, err := Read(bytes.NewReader(d), 65536)
	if err != nil || !reflect.DeepEqual(got, table()) {
		t.Fatalf("%+v %v", got, err)
	}
	if s := got.Partitions[0].Type.String(); s != "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" {
		t.Fatal(s)
	}
	// On the disk the first groups are little-endian.
	if !bytes.Contains(d, []byte{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b}) {
		t.Fatal("the type is not in disk order")
	}
}

func TestTheCopyIsUsedWhenTheFirstIsDamaged(t *testing.T) {
	for _, at := range []int{Sector + 60, 2*Sector + 5} {
		d := written(t)
		d[at] ^= 1
		got, err := Read(bytes.NewReader(d), 65536)
		if err != nil || !reflect.DeepEqual(got, table()) {
			t.Fatalf("%+v %v", got, err)
		}
		d[65535*Sector+60] ^= 1
		if _, err := Read(bytes.NewReader(d), 65536); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Fatal(err)
		}
	}
}

func TestADiskThatIsTooSmallIsSaidToBe(t *testing.T) {
	d := written(t)
	if _, err := Read(bytes.NewReader(d[:40000*Sector]), 40000); err == nil || !strings.Contains(err.Error(), "too small") {
		t.Fatal(err)
	}
}

func TestGrow(t *testing.T) {
	tab := table()
	if grown, err := tab.Grow(2, 65536); grown || err != nil {
		t.Fatal(grown, err)
	}
	if _, err := tab.Grow(1, 131072); err == nil {
		t.Fatal("a partition grew over the next one")
	}
	if _, err := tab.Grow(3, 131072); err == nil {
		t.Fatal("no partition grew")
	}
	grown, err := tab.Grow(2, 131072)
	if !grown || err != nil || tab.Partitions[1].Last != 129023 {
		t.Fatal(grown, err, tab.Partitions[1])
	}
	d := make(disk, 131072*Sector)
	if err := tab.Write(d); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(bytes.NewReader(d), 131072); err != nil || !reflect.DeepEqual(got, tab) {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestWriteRefusesNonsense(t *testing.T) {
	for name, f := range map[string]func(*Table){
		"overlap":  func(t *Table) { t.Partitions[1].First = 8000 },
		"header":   func(t *Table) { t.Partitions[0].First = 1 },
		"end":      func(t *Table) { t.Partitions[1].Last = 65535 },
		"backward": func(t *Table) { t.Partitions[1].Last = 8000; t.Partitions[1].First = 8200 },
		"name":     func(t *Table) { t.Partitions[1].Name = strings.Repeat("x", 37) },
	} {
		tab := table()
		f(tab)
		if err := tab.Write(make(disk, 65536*Sector)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSfdiskAgrees(t *testing.T) {
	program, err := exec.LookPath("sfdisk")
	if err != nil {
		t.Skip("needs a program: sfdisk")
	}
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, written(t), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "--verify", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "No errors detected") {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err = exec.Command(program, "--dump", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `size=       55296, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=66666666-7777-8888-9999-AAAAAAAAAAAA, name="DATA"`) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func FuzzRead(f *testing.F) {
	d := make(disk, table().Sectors*Sector)
	if err := table().Write(d); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(d[Sector:2*Sector]), []byte(d[2*Sector:3*Sector]))
	f.Fuzz(func(t *testing.T, head, list []byte) {
		d := make(disk, 80*Sector)
		copy(d[Sector:2*Sector], head)
		copy(d[2*Sector:34*Sector], list)
		tab, err := Read(bytes.NewReader(d), 80)
		if err != nil {
			return
		}
		_, _ = tab.Grow(len(tab.Partitions), 4096)
	})
}
