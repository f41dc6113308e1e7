// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestTags(t *testing.T) {
	first, other := Tags(0x6005)
	var b [8]byte
	le.PutUint32(b[:4], first)
	le.PutUint32(b[4:], other)
	if got := hex.EncodeToString(b[:]); got != "8100600588a86005" {
		t.Errorf("tags: %s", got)
	}
}

func TestPopTag(t *testing.T) {
	for _, tpid := range []string{"8100", "88a8"} {
		tagged := unhex(t, "06163e1b7232021e679f4dae"+tpid+"0064"+"0800aabb")
		if tci, ok := PopTag(tagged); !ok || tci != 100 || hex.EncodeToString(tagged[VLANLen:]) != "06163e1b7232021e679f4dae"+"0800aabb" {
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
