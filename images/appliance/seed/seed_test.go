// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"io/fs"
	"net"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
)

const head = "apiVersion: bess.dev/v1\nkind: Seed\n"

// volume is a Files of texts.
func volume(files map[string]string) Files {
	return func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
}

func decode(text string) (*Seed, []Finding) {
	return Decode(FileName, []byte(text), volume(map[string]string{"pipeline.yaml": "kind: Pipeline\n"}))
}

func TestTheExampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("../seed.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, findings := Decode(FileName, text, volume(nil))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the example has no %s", v.Type().Field(i).Name)
		}
	}
	mac, _ := net.ParseMAC("52:54:00:00:00:01")
	want := []Interface{
		{MAC: mac, Name: "mgmt", DHCP: true},
		{Kernel: "eth3", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("2001:db8::10/64")},
			Routes: []Route{{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("192.0.2.1")},
				{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParseAddr("192.0.2.254")},
				{netip.MustParsePrefix("::/0"), netip.MustParseAddr("2001:db8::1")}}, MTU: 1500},
		{PCI: "0000:00:05.0", Name: "wan", MTU: 9000},
	}
	if !reflect.DeepEqual(s.Interfaces, want) {
		t.Errorf("interfaces %+v", s.Interfaces)
	}
	if want := (System{Hugepages2M: 64, IsolatedCores: []int{1}, Buffers: 65536}); !reflect.DeepEqual(s.System, want) {
		t.Errorf("system %+v", s.System)
	}
	if !strings.Contains(string(s.Declaration), "links: [src -> out]") {
		t.Errorf("declaration:\n%s", s.Declaration)
	}
}

func TestMistakesAreFoundWithTheirPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `seed.yaml:1:1: error: the file is empty (a seed begins with apiVersion: bess.dev/v1 and kind: Seed)`},
		{"apiVersion: bess.dev/v2\nkind: Seed\n", `seed.yaml:1:1: error: apiVersion is "bess.dev/v2": must be bess.dev/v1`},
		{head + "hostnam: x\n", `seed.yaml:3:1: error: hostnam: unknown key "hostnam" (did you mean "hostname"?)`},
		{head + "hostname: a_b\n", `seed.yaml:3:11: error: hostname: "a_b": not a host name: letters, digits, dashes, and dots between`},
		{head + "hostname: a\nhostname: b\n", `seed.yaml:4:1: error: hostname: "hostname" is given twice, first on line 3`},
		{head + "system: {isolatedCores: 3-1}\n", `seed.yaml:3:25: error: system.isolatedCores: "3-1": must be cores like "1-3,6", at most 4095`},
		{head + "system: {buffers: 5000}\n", `seed.yaml:3:19: error: system.buffers: 5000: must be a power of two`},
		{head + "system: {hugepages: {2M: many}}\n", `seed.yaml:3:26: error: system.hugepages.2M: expected a whole number, got "many"`},
		{head + "network:\n  interfaces:\n    - {match: {mac: nope}}\n",
			`seed.yaml:5:21: error: network.interfaces[0].match.mac: "nope": must be an Ethernet address like 52:54:00:12:34:56`},
		{head + "network: {interfaces: [{name: x}]}\n",
			`seed.yaml:3:24: error: network.interfaces[0]: says of no interface which one it is (match: {mac: …}, {pci: …} or {name: …})`},
		{head + "network: {interfaces: [{match: {name: a}, adresses: []}]}\n",
			`seed.yaml:3:43: error: network.interfaces[0].adresses: unknown key "adresses" (did you mean "addresses"?)`},
		{head + "network: {interfaces: [{match: {name: a}, addresses: [192.0.2.1]}]}\n",
			`seed.yaml:3:55: error: network.interfaces[0].addresses[0]: "192.0.2.1": must be an address with prefix length like 192.0.2.2/24`},
		{head + "network: {interfaces: [{match: {name: a}}, {match: {name: a}}]}\n",
			`seed.yaml:3:44: error: network.interfaces[1]: another entry is for the same interface`},
		{head + "network: {interfaces: [{match: {name: a, pci: '0000:00:01.0'}}]}\n",
			`seed.yaml:3:47: error: network.interfaces[0].match.pci: give one of mac, pci and name`},
		{head + "enroll: {token: short}\n",
			`seed.yaml:3:17: error: enroll.token: must have 16 to 100 characters besides dashes, and no blanks (for example: openssl rand -hex 16)`},
		{head + "tls: {cert: x}\n", `seed.yaml:3:6: error: tls: cert, key and clientCA belong together: one of them is missing`},
		{head + "tls: {cert: x, key: y, clientCA: z}\n", `seed.yaml:3:6: error: tls.cert: failed to find any PEM data in certificate input`},
		{head + "declarationFile: ../etc/passwd\n",
			`seed.yaml:3:18: error: declarationFile: "../etc/passwd": must be the name of a file on the same volume`},
		{head + "declarationFile: gone.yaml\n", `seed.yaml:3:18: error: declarationFile: "gone.yaml": file does not exist`},
		{head + "declaration: x\ndeclarationFile: pipeline.yaml\n",
			`seed.yaml:4:18: error: declarationFile: give declaration or declarationFile, not both`},
		{head + "hostname: &a x\n", `seed.yaml:3:11: error: anchors and aliases have no place in a seed`},
		{head + "a: [\n", `not valid YAML`},
		{"- a\n", `seed.yaml:1:1: error: expected a map, got a list`},
	} {
		_, findings := decode(c.text)
		if len(findings) != 1 || !strings.Contains(findings[0].String(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, findings, c.want)
		}
	}
}

func TestSectionsWithoutMistakesAreUsable(t *testing.T) {
	s, findings := decode(head + "hostname: box\nnetwork: {interfaces: [{match: {name: eth0}, dhcp: true}]}\nsystem: {buffer: 1}\n")
	if !HasErrors(findings) || Touches(findings, "network") || Touches(findings, "hostname") || !Touches(findings, "system") {
		t.Fatal(findings)
	}
	if s.Hostname != "box" || len(s.Interfaces) != 1 || !s.Interfaces[0].DHCP {
		t.Fatalf("%+v", s)
	}
	if _, findings := decode(head + "a: [\n"); !Touches(findings, "network") {
		t.Fatal("a text that is no YAML has no usable section")
	}
}

func TestTheDigestCoversTheDeclarationsFile(t *testing.T) {
	text := []byte(head + "declarationFile: p\n")
	a, _ := Decode(FileName, text, volume(map[string]string{"p": "one"}))
	b, _ := Decode(FileName, text, volume(map[string]string{"p": "two"}))
	if a.Digest == b.Digest || string(b.Declaration) != "two" {
		t.Fatalf("%+v %+v", a, b)
	}
}

func FuzzDecode(f *testing.F) {
	example, err := os.ReadFile("../seed.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add(head + "network: {interfaces: [{match: {name: a}, routes: [{to: default, via: ::1}]}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, findings := decode(text)
		for _, x := range findings {
			if x.Message == "" || x.File != FileName {
				t.Fatalf("%+v", x)
			}
		}
	})
}
