// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

func TestParseID(t *testing.T) {
	for id, want := range map[string]session.Link{
		"src:0->0:dst":         {From: "src", OGate: 0, To: "dst", IGate: 0},
		"src:8191 -> 7:dst":    {From: "src", OGate: 8191, To: "dst", IGate: 7},
		"a:b:1->2:c:d":         {From: "a:b", OGate: 1, To: "c:d", IGate: 2},
		"Port 0:0->0:my sink":  {From: "Port 0", OGate: 0, To: "my sink", IGate: 0},
		"grüße:1->1:прием":     {From: "grüße", OGate: 1, To: "прием", IGate: 1},
		"a->b:0->0:c":          {From: "a->b", OGate: 0, To: "c", IGate: 0},
		"a:0->0:b:00001->01:c": {From: "a:0->0:b", OGate: 1, To: "c", IGate: 1},
	} {
		got, err := parseID(id)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", id, got, err, want)
		}
	}
	for _, id := range []string{"", "src", "src->dst", "src:0->dst", ":0->0:dst", "src:0->0:", "src:-1->0:dst",
		"src:8192->0:dst", "src:0->99999999999999999999:dst", "src:x->0:dst"} {
		if got, err := parseID(id); err == nil {
			t.Errorf("%q is accepted as %+v", id, got)
		}
	}
}

// What the provider writes it can read.
func TestIDComesBack(t *testing.T) {
	for _, l := range []session.Link{{From: "a", OGate: 3, To: "b", IGate: 4}, {From: "x:1", OGate: 0, To: "y z", IGate: 8191}} {
		if got, err := parseID(l.String()); err != nil || got != l {
			t.Errorf("%s came back as %+v, %v", l, got, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("src:0->0:dst")
	f.Add("a:b:1 -> 2:c")
	f.Fuzz(func(t *testing.T, id string) {
		l, err := parseID(id)
		if err != nil {
			return
		}
		if again, err := parseID(l.String()); err != nil || again != l {
			t.Errorf("%q is %+v, but %q is %+v, %v", id, l, l, again, err)
		}
	})
}

func TestAt(t *testing.T) {
	info := &api.GetModuleInfoResponse{Ogates: []*api.GetModuleInfoResponse_OGate{{Ogate: 2, Name: "x", Igate: 5}}}
	mine := session.Link{From: "a", OGate: 2, To: "b", IGate: 0}
	if got := at(info, mine); got == nil || *got != (session.Link{From: "a", OGate: 2, To: "x", IGate: 5}) {
		t.Errorf("got %v", got)
	}
	mine.OGate = 1
	if got := at(info, mine); got != nil {
		t.Errorf("an unconnected gate has link %v", got)
	}
	if got := at(nil, mine); got != nil {
		t.Errorf("no module has link %v", got)
	}
}
