// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestPushAndPopTag(t *testing.T) {
	room := append(make([]byte, VLANLen), unhex(t, frameU1)...)
	PushTag(room, 0x6005)
	if got := hex.EncodeToString(room[:18]); got != "06163e1b7232021e679f4dae810060050800" {
		t.Fatalf("one tag: %s", got)
	}
	for _, tpid := range []string{"8100", "88a8"} { // 802.1ad over either
		tagged := unhex(t, "00000000"+"06163e1b7232021e679f4dae"+tpid+"6005"+"0800aabb")
		PushTag(tagged, 100)
		if got := hex.EncodeToString(tagged); got != "06163e1b7232021e679f4dae88a80064"+tpid+"60050800aabb" {
			t.Fatalf("over %s: %s", tpid, got)
		}
		if tci, ok := PopTag(tagged); !ok || tci != 100 || hex.EncodeToString(tagged[VLANLen:]) != "06163e1b7232021e679f4dae"+tpid+"60050800aabb" {
			t.Fatalf("pop from %s: %d %v %x", tpid, tci, ok, tagged)
		}
	}
	for _, frame := range []string{frameU1, "06163e1b7232021e679f4dae8100600508", "06163e1b7232021e679f4dae910060050800", ""} {
		f := unhex(t, frame)
		before := bytes.Clone(f)
		if _, ok := PopTag(f); ok || !bytes.Equal(f, before) {
			t.Fatalf("popped from %s", frame)
		}
	}
}
