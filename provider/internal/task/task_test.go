// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package task

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

func TestParseID(t *testing.T) {
	for id, want := range map[string]struct {
		module string
		task   int64
	}{"src:0": {"src", 0}, "src:31": {"src", 31}, "src": {"src", 0}, "a:b:2": {"a:b", 2}, "a:b": {"a:b", 0}} {
		module, task, err := parseID(id)
		if err != nil || module != want.module || task != want.task {
			t.Errorf("%q: %q, %d, %v", id, module, task, err)
		}
	}
	for _, id := range []string{"", "src:32", "src:99999999999999999999"} {
		if module, task, err := parseID(id); err == nil {
			t.Errorf("%q is accepted as %q, %d", id, module, task)
		}
	}
}

func TestRequest(t *testing.T) {
	m := model{Module: types.StringValue("src"), Task: types.Int64Value(2), WID: types.Int64Value(0)}
	r := m.request()
	if r.GetLeafModuleName() != "src" || r.GetLeafModuleTaskid() != 2 || r.GetWid() != 0 || r.GetParent() != "" {
		t.Errorf("on a worker: %v", r)
	}
	m = model{Module: types.StringValue("src"), Parent: types.StringValue("fair"), Share: types.Int64Value(5)}
	r = m.request()
	if r.GetWid() != client.AnyWorker || r.GetParent() != "fair" || r.GetShare() != 5 {
		t.Errorf("below a class: %v", r)
	}
	if r := m.free(); r.GetWid() != client.AnyWorker || r.GetParent() != "" {
		t.Errorf("anywhere: %v", r)
	}
}

func TestRefresh(t *testing.T) {
	leaf := func(parent string, wid int64, class *api.TrafficClass) *client.TC {
		class.Wid = wid
		return &client.TC{Parent: parent, Class: class}
	}
	share := &api.TrafficClass{Arg: &api.TrafficClass_Share{Share: 3}}
	prio := &api.TrafficClass{Arg: &api.TrafficClass_Priority{Priority: 0}}
	for name, c := range map[string]struct {
		leaf *client.TC
		want model
	}{
		"share":     {leaf("fair", 1, share), model{Parent: types.StringValue("fair"), Share: types.Int64Value(3)}},
		"priority":  {leaf("prio", 1, prio), model{Parent: types.StringValue("prio"), Priority: types.Int64Value(0)}},
		"automatic": {leaf("!default_rr_1", 1, &api.TrafficClass{}), model{WID: types.Int64Value(1)}},
		"root":      {leaf("", 0, &api.TrafficClass{}), model{WID: types.Int64Value(0)}},
		"orphan":    {leaf("", -1, &api.TrafficClass{}), model{}},
	} {
		m := model{Parent: types.StringValue("old"), Priority: types.Int64Value(9), WID: types.Int64Value(9)}
		if m.refresh(c.leaf); m != c.want {
			t.Errorf("%s: %+v, want %+v", name, m, c.want)
		}
	}
}

func TestFind(t *testing.T) {
	tcs := []*client.TC{
		{Class: &api.TrafficClass{Name: "src"}},
		{Class: &api.TrafficClass{Name: "!leaf_src:0", LeafModuleName: "src"}},
		{Class: &api.TrafficClass{Name: "!leaf_src:1", LeafModuleName: "src", LeafModuleTaskid: 1}},
	}
	m := model{Module: types.StringValue("src"), Task: types.Int64Value(1)}
	if got := m.find(tcs); got != tcs[2] {
		t.Errorf("found %v", got)
	}
	m.Task = types.Int64Value(2)
	if got := m.find(tcs); got != nil {
		t.Errorf("found %v", got)
	}
}
