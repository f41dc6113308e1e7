// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"gopkg.in/yaml.v3"
)

// words are field and layer names, so that random values reach deep.
var words = []string{
	"eth", "vlan", "mpls", "arp", "ip", "ipv4", "ipv6", "udp", "tcp", "sctp", "icmp", "icmpv6", "gre", "vxlan",
	"gtpu", "payload", "pad_to", "src", "dst", "sport", "type", "id", "pcp", "dei", "tpid", "label", "bottom", "op",
	"sender_ip", "target_ip", "ttl", "tos", "dscp", "proto", "flags", "options", "length", "checksum", "flow",
	"seq", "ack", "window", "code", "key", "vni", "teid", "hex", "base64", "text", "zero", "repeat", "byte", "x",
}

var scalars = []any{
	nil, true, false, 0, 1, -1, 7, 64, 4095, 65535, 65536, int64(math.MinInt64), uint64(math.MaxUint64), 1.5, 1.0,
	math.NaN(), math.Inf(-1), float32(3), json.Number("12"), json.Number("1e3"), json.Number("bad"), big.NewFloat(5),
	(*big.Float)(nil), new(big.Float).SetInf(true), new(big.Float).SetMantExp(big.NewFloat(1), math.MaxInt32-1),
	"", "0x", "0800", "zz", "10.0.0.1", "::1", "02:1e:67:9f:4d:ae", "udp", "ipv4", "SA", "syn", "base64:aGk=",
	"text:hi", []byte{1, 2}, []byte(nil), []string{"df"}, map[string]string{"hex": "00"}, map[any]any{1: 2, true: 3},
	struct{}{}, uint8(9), map[int]int{1: 1}, []any(nil), map[string]any(nil),
}

func random(r *rand.Rand, depth int) any {
	switch k := r.IntN(10); {
	case depth > 0 && k < 5:
		m := map[string]any{}
		for range r.IntN(6) {
			m[words[r.IntN(len(words))]] = random(r, depth-1)
		}
		return m
	case depth > 0 && k < 7:
		var l []any
		for range r.IntN(5) {
			l = append(l, random(r, depth-1))
		}
		return l
	}
	return scalars[r.IntN(len(scalars))]
}

// Whatever is given, there is a packet of bounded length or a finding with a
// message.
func FuzzRandomValues(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, seed*7)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		for range 20 {
			v := random(r, 4)
			check(t, v)
		}
	})
}

func check(t *testing.T, v any) {
	t.Helper()
	p, err := Bytes(v)
	if err == nil {
		if len(p) > MaxLen {
			t.Fatalf("%v: %d bytes", v, len(p))
		}
		return
	}
	var e *Error
	if !errors.As(err, &e) || len(e.Findings) == 0 {
		t.Fatalf("%v: error %v without findings", v, err)
	}
	for _, f := range e.Findings {
		if f.Msg == "" {
			t.Fatalf("%v: finding without message: %+v", v, f)
		}
	}
}

// A YAML text never makes the builder panic, and what it accepts as Ethernet
// with IPv4 on top carries an intact header checksum.
func FuzzYAML(f *testing.F) {
	f.Add(ethLine + "ip: {src: 172.16.100.1, dst: 10.0.0.1}\nudp: {src: 1, dst: 2}\npayload: hi")
	f.Add(ethLine + "vlan: [1, {id: 2}]\nip: {src: 1.1.1.1, dst: 1.1.1.2, options: '01010100', proto: 9}\npayload: {zero: 9}")
	f.Add("- ipv6: {src: '::1', dst: '::2'}\n- icmpv6: {type: 135}\n- payload: {repeat: 3, byte: 1}\n- pad_to: 90")
	f.Add("0x0800")
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if yaml.Unmarshal([]byte(text), &v) != nil {
			return
		}
		check(t, v)
		m, ok := v.(map[string]any)
		if !ok || m["eth"] == nil || m["ip"] == nil || m["mpls"] != nil {
			return
		}
		if fields, ok := m["ip"].(map[string]any); !ok || fields["checksum"] != nil || fields["length"] != nil {
			return
		}
		p, err := Packet(v)
		if err != nil {
			return
		}
		pkt := gopacket.NewPacket(p, layers.LayerTypeEthernet, gopacket.NoCopy)
		if ip, ok := pkt.Layer(layers.LayerTypeIPv4).(*layers.IPv4); ok && sum16(ip.Contents) != 0xffff {
			t.Fatalf("%s: header checksum wrong in %x", text, p)
		}
	})
}
