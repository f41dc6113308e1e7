// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

func TestOwner(t *testing.T) {
	m := model{Name: types.StringValue("fw"), Class: types.StringValue("ACL")}
	if o := m.owner(); o.Object != `module "fw"` || o.Name != "ACL" || o.Desc() == nil {
		t.Errorf("named: %+v", o)
	}
	m.Name = types.StringUnknown()
	if o := m.owner(); o.Object != "module of class ACL" {
		t.Errorf("not named: %+v", o)
	}
}

// Only these can leave a task without a worker, which costs calls to find out.
func TestTaskOwner(t *testing.T) {
	for class, want := range map[string]string{
		"Source": "m", "Queue": "m", "NoOP": "m", "PortInc": "m", "QueueInc": "m", "SomePlugin": "m",
		"Sink": "", "ACL": "", "Bypass": "", "Merge": "",
	} {
		m := model{Name: types.StringValue("m"), Class: types.StringValue(class)}
		if got := m.taskOwner(); got != want {
			t.Errorf("%s: %q, want %q", class, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	var m dataModel
	m.describe(&api.GetModuleInfoResponse{
		Name: "a", Mclass: "Bypass", Desc: "idle", Deadends: 3,
		Igates: []*api.GetModuleInfoResponse_IGate{{Igate: 1, Pkts: 10, Cnt: 2,
			Ogates: []*api.GetModuleInfoResponse_IGate_OGate{{Ogate: 4, Name: "x"}, {Ogate: 5, Name: "y"}}}},
		Ogates:   []*api.GetModuleInfoResponse_OGate{{Ogate: 7, Name: "z", Igate: 8, Pkts: 9, Cnt: 1}},
		Metadata: []*api.GetModuleInfoResponse_Attribute{{Name: "mark", Size: 4, Mode: "write", Offset: -1}},
	})
	if m.Class.ValueString() != "Bypass" || m.Description.ValueString() != "idle" || m.Deadends.ValueInt64() != 3 {
		t.Errorf("module: %+v", m)
	}
	if g := m.IGates[0]; g.IGate.ValueInt64() != 1 || g.Packets.ValueInt64() != 10 || g.Batches.ValueInt64() != 2 ||
		len(g.From) != 2 || g.From[1].Module.ValueString() != "y" || g.From[1].OGate.ValueInt64() != 5 {
		t.Errorf("input gate: %+v", g)
	}
	if g := m.OGates[0]; g.OGate.ValueInt64() != 7 || g.To.ValueString() != "z" || g.IGate.ValueInt64() != 8 || g.Packets.ValueInt64() != 9 {
		t.Errorf("output gate: %+v", g)
	}
	if a := m.Metadata[0]; a.Name.ValueString() != "mark" || a.Size.ValueInt64() != 4 || a.Offset.ValueInt64() != -1 || a.Mode.ValueString() != "write" {
		t.Errorf("attribute: %+v", a)
	}
	m.describe(&api.GetModuleInfoResponse{})
	if m.IGates == nil || m.OGates == nil || m.Metadata == nil {
		t.Error("lists without elements are empty, not null")
	}
}
