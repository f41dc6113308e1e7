// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func TestBytes(t *testing.T) {
	cases := []struct {
		in   any
		want string
	}{
		{"", ""}, {"0x", ""}, {"0x0800", "0800"}, {"0800", "0800"}, {"DEadBE ef", "deadbeef"}, {"hex:00", "00"},
		{"02:1e:67:9f:4d:ae", "021e679f4dae"}, {"06163e\n1b7232\n", "06163e1b7232"},
		{"base64:aGk=", "6869"}, {"text:hi there", "6869207468657265"}, {"text:", ""},
		{[]byte{1, 2}, "0102"},
		{map[string]any{"hex": "01 02"}, "0102"}, {map[string]any{"text": "a"}, "61"},
		{map[string]any{"base64": "aGk="}, "6869"}, {map[string]any{"zero": 3}, "000000"},
		{map[string]any{"repeat": 2, "text": "ab"}, "61626162"}, {map[string]any{"repeat": 2}, "0000"},
		{map[string]any{"repeat": int64(3), "byte": "0x41"}, "414141"}, {map[string]any{"repeat": 0, "hex": "ff"}, ""},
		{map[string]any{"payload": "a"}, "61"},
		{map[string]any{"payload": []any{"a", map[string]any{"zero": big.NewFloat(2)}, "b"}}, "61000062"},
		{map[any]any{"payload": "a"}, "61"},
		{[]any{map[string]any{"payload": "a", "eth": nil}, map[string]any{"pad_to": 2}}, "6100"},
		{[]map[string]any{{"payload": "a"}}, "61"},
	}
	for _, c := range cases {
		got, err := Bytes(c.in)
		if err != nil {
			t.Errorf("Bytes(%v): %v", c.in, err)
		} else if h := hex.EncodeToString(got); h != c.want {
			t.Errorf("Bytes(%v) = %s, want %s", c.in, h, c.want)
		}
	}
}

func TestBytesDoesNotShareMemory(t *testing.T) {
	in := []byte{1, 2}
	out, err := Bytes(in)
	if err != nil {
		t.Fatal(err)
	}
	out[0] = 9
	if !bytes.Equal(in, []byte{1, 2}) {
		t.Errorf("caller's bytes changed: %v", in)
	}
}

func TestBytesErrors(t *testing.T) {
	cases := []struct {
		in   any
		want string
	}{
		{"helloworld", `"helloworld": must be hex digits (for text write "text:helloworld")`},
		{"080", `"080": odd number of hex digits in "080"`},
		{"8:0:27", `"8:0:27": odd number of hex digits in "8"`},
		{"base64:x", `"base64:x": must be base64 (standard alphabet, padded)`},
		{7, `7: expected bytes, got a number (write hex digits in quotes, for example "0800")`},
		{nil, `null: expected bytes, got null (write hex digits in quotes, for example "0800")`},
		{true, `true: expected bytes, got a boolean (write hex digits in quotes, for example "0800")`},
		{map[string]any{"hex": "01", "text": "a"}, "more than one of hex, base64, text, byte and zero"},
		{map[string]any{"hex": "01", "zero": 1}, "more than one of hex, base64, text, byte and zero"},
		{map[string]any{"zero": 65536}, "zero: 65536: length must be 0..65535"},
		{map[string]any{"repeat": 65535, "text": "ab"}, "must be at most 65535 bytes"},
		{map[string]any{"hex": 12}, "hex: 12: must be text, got a number"},
		{map[string]any{"text": "a", "tetx": "b"}, `tetx: "b": unknown field (did you mean "text"?)`},
		{map[string]any{}, "packet without layers"},
		{[]any{}, "packet without layers"},
		{"text:" + strings.Repeat("a", 65536), "must be at most 65535 bytes, got 65536"},
	}
	for _, c := range cases {
		_, err := Bytes(c.in)
		if err == nil {
			t.Errorf("Bytes(%v): no error, want %s", c.in, c.want)
		} else if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("Bytes(%v): %q, want %q", c.in, err, c.want)
		}
	}
}

func TestPacketErrors(t *testing.T) {
	ip := "ip: {src: 10.0.0.1, dst: 10.0.0.2}\n"
	cases := []struct{ name, in, want string }{
		{"port", ip + "udp: {src: 1, dst: 70000}", "udp.dst: 70000: port must be 0..65535"},
		{"negative port", ip + "udp: {src: -1, dst: 1}", "udp.src: -1: port must be 0..65535"},
		{"missing port", ip + "udp: {src: 1}", "udp.dst: missing: port 0..65535"},
		{"alias twice", ip + "udp: {src: 1, sport: 1, dst: 2}", "udp.sport: 1: not together with src"},
		{"unknown layer", ip + "upd: {src: 1, dst: 2}", `upd: {2 entries}: unknown layer (did you mean "udp"?)`},
		{"unknown field", "ip: {src: 10.0.0.1, dst: 10.0.0.2, tll: 1, proto: 1}", `ip.tll: 1: unknown field (did you mean "ttl"?)`},
		{"far unknown field", "vxlan: {vni: 1, zzzzz: 1}", `vxlan.zzzzz: 1: unknown field (fields are vni)`},
		{"bad mac", "eth: {src: '02:1e', dst: '06:16:3e:1b:72:32', type: arp}", `eth.src: "02:1e": must be a MAC address (aa:bb:cc:dd:ee:ff)`},
		{"bad ip", "ip: {src: 10.0.0.256, dst: 10.0.0.2, proto: 1}", `ip.src: "10.0.0.256": must be an IPv4 address (a.b.c.d)`},
		{"v6 in v4", "ip: {src: '::1', dst: 10.0.0.2, proto: 1}", `ip.src: "::1": must be an IPv4 address (a.b.c.d)`},
		{"mapped v6", "ipv6: {src: '::ffff:1.2.3.4', dst: '::1', proto: 1}", `ipv6.src: "::ffff:1.2.3.4": must be an IPv6 address, not an IPv4-mapped one`},
		{"zone", "ipv6: {src: 'fe80::1%eth0', dst: '::1', proto: 1}", `ipv6.src: "fe80::1%eth0": must be an IPv6 address`},
		{"eth type", ethLine + "payload: x", "eth.type: missing: it cannot be derived from the next layer (payload)"},
		{"eth alone", ethLine, "eth.type: missing: it cannot be derived, because no layer follows"},
		{"ip proto", ip + "payload: x", "ip.proto: missing: it cannot be derived from the next layer (payload)"},
		{"type name", "eth: {src: '02:1e:67:9f:4d:ae', dst: '06:16:3e:1b:72:32', type: ivp4}", `eth.type: "ivp4": must be a number 0..65535 or a known name (did you mean "ipv4"?)`},
		{"type range", "eth: {src: '02:1e:67:9f:4d:ae', dst: '06:16:3e:1b:72:32', type: 65536}", "eth.type: 65536: type must be 0..65535"},
		{"two network layers", ip + "ipv6: {}", "ipv6: {0 entries}: not together with ip (for a tunnel write the layers as a list)"},
		{"two names of one layer", ip + "ipv4: {}", "ipv4: {0 entries}: not together with ip (for a tunnel write the layers as a list)"},
		{"vlan id", "vlan: {id: 4096, type: arp}", "vlan.id: 4096: VLAN id must be 0..4095"},
		{"vlan in a stack", ethLine + "vlan: [{id: 1}, {id: 2, pcp: 8}]\narp: {sender_ip: 1.1.1.1, target_ip: 1.1.1.2}", "vlan[1].pcp: 8: priority must be 0..7"},
		{"vlan tpid", "vlan: {id: 1, tpid: zzz, type: arp}", `vlan.tpid: "zzz": must be a number 0..65535 or a known name (names are arp,`},
		{"udp without ip", "udp: {src: 1, dst: 2}", "udp: needs an ip or ipv6 layer before it to compute the checksum, or a checksum of its own"},
		{"tos and dscp", "ip: {src: 10.0.0.1, dst: 10.0.0.2, tos: 1, dscp: 1, proto: 1}", "ip.tos: not together with dscp or ecn, which are parts of it"},
		{"layer is no map", ip + "udp: 5", "udp: 5: expected a map, got a number"},
		{"payload is a number", "payload: 5", "payload: 5: expected text or a map, got a number (for bytes write {hex: \"…\"})"},
		{"bad payload hex", "payload: [a, {hex: zz}]", `payload[1].hex: "zz": must be hex digits`},
		{"payload without content", "payload: {}", "payload: none of hex, base64, text, zero and repeat"},
		{"tcp flag", ip + "tcp: {src: 1, dst: 2, flags: SX}", `tcp.flags: "SX": unknown flag (`},
		{"tcp flag in list", ip + "tcp: {src: 1, dst: 2, flags: [syn, akc]}", `tcp.flags[1]: "akc": unknown flag (did you mean "ack"?)`},
		{"tcp flag no boolean", ip + "tcp: {src: 1, dst: 2, flags: {syn: 1}}", `tcp.flags.syn: 1: must be true or false`},
		{"tcp flags range", ip + "tcp: {src: 1, dst: 2, flags: 512}", `tcp.flags: 512: flags must be 0..511`},
		{"ip options long", "ip: {src: 10.0.0.1, dst: 10.0.0.2, proto: 1, options: {zero: 41}}", "ip.options: {1 entries}: must be at most 40 bytes, got 41"},
		{"ip options broken", "ip: {src: 10.0.0.1, dst: 10.0.0.2, proto: 1, options: '0705'}", "ip.options: 0x0705: option length does not fit the options"},
		{"tcp options cut", ip + "tcp: {src: 1, dst: 2, options: '02'}", "tcp.options: 0x02: last option has no length byte"},
		{"icmpv6 id in another type", "ipv6: {src: '::1', dst: '::2'}\nicmpv6: {type: 1, id: 5}", "icmpv6.id: 5: unknown field"},
		{"dei", "vlan: {id: 1, dei: 1, type: arp}", "vlan.dei: 1: must be true or false"},
		{"pad_to", "payload: a\npad_to: 65536", "pad_to: 65536: must be a length of 0..65535 bytes"},
		{"fraction", ip + "udp: {src: 1.5, dst: 2}", "udp.src: 1.5: port must be 0..65535"},
		{"list element", "- {eth: {}, ip: {}}", "[0]: {2 entries}: must be a map with one layer, got 2"},
		{"list of text", "- eth", `[0]: "eth": must be a map with one layer`},
		{"list path", "- ip: {src: 10.0.0.1, dst: 10.0.0.2}\n- udp: {src: 1, dst: 65536}", "[1].udp.dst: 65536: port must be 0..65535"},
		{"pad_to in the middle", "- pad_to: 60\n- payload: a", "[0].pad_to: 60: must come last"},
		{"scalar", "5", "5: expected a map, got a number (a packet is a map of layers or a list of them)"},
		{"too long", "payload: [{zero: 65535}, a]", "payload[1]: payload longer than 65535 bytes"},
		{"too long with headers", "- ip: {src: 10.0.0.1, dst: 10.0.0.2, proto: 1}\n- payload: {zero: 65535}", "[0].ip: packet longer than 65535 bytes"},
		{"many layers", strings.Repeat("- mpls: 1\n", 70), "[64].mpls: more than 64 layers"},
		{"many tags", "vlan: [" + strings.Repeat("1,", 70) + "]", "vlan[64]: more than 64 layers"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := Packet(value(t, c.in))
			if err == nil {
				t.Fatalf("%x and no error, want %s", p, c.want)
			}
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

func TestAllFindingsAtOnce(t *testing.T) {
	_, err := Packet(value(t, ethLine+"ip: {src: x, dst: y}\nudp: {src: a, dst: 70000, foo: 1}\nzzz: {}"))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is no *Error", err)
	}
	var paths []string
	for _, f := range e.Findings {
		paths = append(paths, f.Path)
	}
	if got, want := strings.Join(paths, " "), "zzz ip.src ip.dst udp.src udp.dst udp.foo"; got != want {
		t.Errorf("paths %q, want %q", got, want)
	}
}
