// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package port

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/tfargs"
)

func TestRefresh(t *testing.T) {
	running := &client.Port{
		Name: "p", Driver: "UnixSocketPort", MacAddr: "02:00:00:00:00:01", NumIncQ: 1, NumOutQ: 2, SizeIncQ: 1024, SizeOutQ: 512}
	imported := model{Name: types.StringValue("p")}
	if err := imported.refresh(running); err != nil {
		t.Fatal(err)
	}
	want := model{
		Name: types.StringValue("p"), Driver: types.StringValue("UnixSocketPort"), MacAddr: types.StringValue("02:00:00:00:00:01"),
		NumIncQ: types.Int64Value(1), NumOutQ: types.Int64Value(2), SizeIncQ: types.Int64Value(1024), SizeOutQ: types.Int64Value(512),
		Args: tfargs.Empty(),
	}
	if !imported.Args.Equal(want.Args) {
		t.Errorf("arguments: %v", imported.Args)
	}
	imported.Args, want.Args = types.Dynamic{}, types.Dynamic{}
	if imported != want {
		t.Errorf("got %+v, want %+v", imported, want)
	}
}

// A driver may round the size it was asked for; the state keeps what the user
// wrote, else the port would be replaced for ever.
func TestRefreshKeepsSizes(t *testing.T) {
	m := model{Driver: types.StringValue("PMDPort"), SizeIncQ: types.Int64Value(1000), SizeOutQ: types.Int64Value(1000)}
	if err := m.refresh(&client.Port{Driver: "PMDPort", SizeIncQ: 1024, SizeOutQ: 4096}); err != nil {
		t.Fatal(err)
	}
	if m.SizeIncQ.ValueInt64() != 1000 || m.SizeOutQ.ValueInt64() != 1000 {
		t.Errorf("sizes are %v and %v", m.SizeIncQ, m.SizeOutQ)
	}
}

func TestFind(t *testing.T) {
	ports := []*client.Port{{Name: "a"}, {Name: "b"}}
	if find(ports, "b") != ports[1] || find(ports, "c") != nil || find(nil, "a") != nil {
		t.Error("the wrong port")
	}
}
