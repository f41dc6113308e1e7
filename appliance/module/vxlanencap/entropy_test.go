// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vxlanencap

import (
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const macs = "06163e1b7232021e679f4dae"

// BESS took the ports from the wrong place of the header: packets of one flow
// spread with their identification, and flows were not told apart.
func TestPortsOfTheFlowCount(t *testing.T) {
	flow := func(id, ports string) uint16 {
		return entropy(unhex(t, macs+"08004500001c"+id+"000040110000"+"0a0000010a000002"+ports+"00080000"))
	}
	if flow("0001", "03e807d0") != flow("0002", "03e807d0") {
		t.Error("packets of one flow have different source ports")
	}
	if flow("0001", "03e807d0") == flow("0001", "03e907d0") {
		t.Error("two flows have the same source port")
	}
	opts := entropy(unhex(t, macs+"080046000020"+"0001000040110000"+"0a0000010a000002"+"01010100"+"03e807d000080000"))
	if opts != flow("0001", "03e807d0") {
		t.Error("IP options change the source port")
	}
}

// Only the first fragment has ports; all must take the same way.
func TestFragmentsStayTogether(t *testing.T) {
	piece := func(field, rest string) uint16 {
		return entropy(unhex(t, macs+"08004500001c0001"+field+"40110000"+"0a0000010a000002"+rest))
	}
	if piece("2000", "03e807d000080000") != piece("0001", "1122334455667788") {
		t.Error("fragments of one datagram have different source ports")
	}
}

func TestIPv6FlowsAreToldApart(t *testing.T) {
	flow := func(label, proto, src, ports string) uint16 {
		return entropy(unhex(t, macs+"86dd600"+label+"0008"+proto+"40"+"2001000000000000000000000000"+src+
			"20010000000000000000000000000002"+ports+"00080000"))
	}
	base := flow("00000", "11", "0001", "03e807d0")
	if base != flow("abcde", "11", "0001", "03e807d0") {
		t.Error("the flow label counts although there are ports")
	}
	for name, other := range map[string]uint16{
		"port": flow("00000", "11", "0001", "03e907d0"), "address": flow("00000", "11", "0003", "03e807d0"),
		"protocol": flow("00000", "06", "0001", "03e807d0"),
	} {
		if other == base {
			t.Errorf("another %s, the same source port", name)
		}
	}
	if flow("00001", "2c", "0001", "03e807d0") == flow("00002", "2c", "0001", "03e807d0") {
		t.Error("the flow label does not count")
	}
}

func TestEntropyNeverReadsBeyondTheFrame(t *testing.T) {
	for _, full := range []string{
		macs + "08004f00003c0001000040110000" + "0a0000010a000002",
		macs + "86dd6000000000081140" + "20010000000000000000000000000001" + "20010000000000000000000000000002" + "03e807d0",
	} {
		f := unhex(t, full)
		for n := range len(f) {
			if p := entropy(f[:n:n]); p < portBits {
				t.Errorf("%d bytes: port %d", n, p)
			}
		}
	}
}
