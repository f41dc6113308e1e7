// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tc

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

func TestRequest(t *testing.T) {
	rate := model{
		Name: types.StringValue("slow"), Policy: types.StringValue("rate_limit"), Parent: types.StringValue("top"),
		Priority: types.Int64Value(0), Resource: types.StringValue("packet"), Limit: types.Int64Value(1000),
	}
	r := rate.request()
	if r.GetWid() != client.AnyWorker || r.GetParent() != "top" || r.GetLimit()["packet"] != 1000 || len(r.GetLimit()) != 1 {
		t.Errorf("rate limit: %v", r)
	}
	if b, given := r.GetMaxBurst()["packet"]; b != 0 || !given {
		t.Errorf("an absent burst is sent as 0, so that one taken away goes: %v", r.GetMaxBurst())
	}
	if a, ok := r.GetArg().(*api.TrafficClass_Priority); !ok || a.Priority != 0 {
		t.Errorf("priority 0 is a priority: %v", r.GetArg())
	}
	root := model{Name: types.StringValue("rr"), Policy: types.StringValue("round_robin"), WID: types.Int64Unknown()}
	if r := root.request(); r.GetWid() != client.AnyWorker || r.GetArg() != nil || r.GetLimit() != nil {
		t.Errorf("anywhere: %v", r)
	}
	root.WID = types.Int64Value(0)
	if r := root.request(); r.GetWid() != 0 {
		t.Errorf("worker 0: %v", r)
	}
	child := model{Policy: types.StringValue("round_robin"), Parent: types.StringValue("fair"), Share: types.Int64Value(3), WID: types.Int64Value(1)}
	if r := child.request(); r.GetWid() != client.AnyWorker || r.GetShare() != 3 {
		t.Errorf("a child has the worker of its parent: %v", r)
	}
}

func TestRefresh(t *testing.T) {
	for name, c := range map[string]struct {
		prior model
		tc    *client.TC
		want  model
	}{
		"rate limit": {
			model{},
			&client.TC{Parent: "top", Class: &api.TrafficClass{Policy: "rate_limit", Wid: 2, Arg: &api.TrafficClass_Priority{Priority: 4},
				Limit: map[string]int64{"bit": 9}, MaxBurst: map[string]int64{"bit": 0}}},
			model{Policy: types.StringValue("rate_limit"), Parent: types.StringValue("top"), Priority: types.Int64Value(4),
				Resource: types.StringValue("bit"), Limit: types.Int64Value(9)},
		},
		"burst 0 that was written down": {
			model{MaxBurst: types.Int64Value(5)},
			&client.TC{Class: &api.TrafficClass{Policy: "rate_limit", Limit: map[string]int64{"bit": 9}, MaxBurst: map[string]int64{"bit": 0}}},
			model{Policy: types.StringValue("rate_limit"), WID: types.Int64Value(0), Resource: types.StringValue("bit"),
				Limit: types.Int64Value(9), MaxBurst: types.Int64Value(0)},
		},
		"weighted fair, resource not told": {
			model{Resource: types.StringValue("cycle")},
			&client.TC{Class: &api.TrafficClass{Policy: "weighted_fair", Wid: 1}},
			model{Policy: types.StringValue("weighted_fair"), WID: types.Int64Value(1), Resource: types.StringValue("cycle")},
		},
		"weighted fair, resource told": {
			model{Resource: types.StringValue("cycle")},
			&client.TC{Class: &api.TrafficClass{Policy: "weighted_fair", Wid: 1, Resource: "bit"}},
			model{Policy: types.StringValue("weighted_fair"), WID: types.Int64Value(1), Resource: types.StringValue("bit")},
		},
		"below the automatic root": {
			model{Limit: types.Int64Value(1), Resource: types.StringValue("bit")},
			&client.TC{Parent: "!default_rr_3", Class: &api.TrafficClass{Policy: "round_robin", Wid: 3}},
			model{Policy: types.StringValue("round_robin"), WID: types.Int64Value(3)},
		},
	} {
		m := c.prior
		if m.refresh(c.tc); m != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, m, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	one, res := types.Int64Value(1), types.StringValue("bit")
	for name, c := range map[string]struct {
		m    model
		want []string
	}{
		"priority":            {model{Policy: types.StringValue("priority")}, nil},
		"rate limit":          {model{Policy: types.StringValue("rate_limit"), Resource: res, Limit: one}, nil},
		"rate limit, burst":   {model{Policy: types.StringValue("rate_limit"), Resource: res, Limit: one, MaxBurst: one}, nil},
		"rate limit, nothing": {model{Policy: types.StringValue("rate_limit")}, []string{"resource", "limit"}},
		"not known yet":       {model{Policy: types.StringValue("rate_limit"), Resource: types.StringUnknown(), Limit: types.Int64Unknown()}, nil},
		"weighted fair":       {model{Policy: types.StringValue("weighted_fair"), Resource: res}, nil},
		"weighted fair, limit": {model{Policy: types.StringValue("weighted_fair"), Resource: res, Limit: one, MaxBurst: one},
			[]string{"limit", "max_burst"}},
		"round robin, all": {model{Policy: types.StringValue("round_robin"), Resource: res, Limit: one, MaxBurst: one},
			[]string{"resource", "limit", "max_burst"}},
		"unknown policy": {model{Policy: types.StringValue("leaf"), Limit: one}, nil},
	} {
		diags := c.m.check()
		if len(diags) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, diags, c.want)
			continue
		}
		for i, attribute := range c.want {
			if !strings.Contains(diags[i].Detail(), ": "+attribute+": ") {
				t.Errorf("%s: %q does not name %s", name, diags[i].Detail(), attribute)
			}
		}
	}
}

func TestCheckPlace(t *testing.T) {
	s := &session.Session{}
	for name, policy := range map[string]string{"prio": "priority", "fair": "weighted_fair", "rr": "round_robin", "rate": "rate_limit"} {
		s.PlanTC(name, session.TC{Policy: policy})
	}
	null, one, open := types.Int64Null(), types.Int64Value(1), types.Int64Unknown()
	for _, c := range []struct {
		parent          string
		priority, share types.Int64
		token, want     string
	}{
		{"prio", one, null, "a", ""},
		{"prio", one, null, "a", ""}, // planned again
		{"prio", one, null, "b", "another child has 1 too"},
		{"prio", open, null, "c", ""},
		{"prio", null, null, "c", "each child needs one"},
		{"prio", one, one, "a", "its children have none"},
		{"fair", null, one, "a", ""},
		{"fair", null, one, "b", ""},
		{"fair", null, null, "b", "each child needs one"},
		{"rr", null, null, "a", ""},
		{"rr", one, null, "a", "its children have none"},
		{"rate", null, null, "a", ""},
		{"rate", null, null, "b", "it takes one child"},
		{"elsewhere", one, one, "a", ""},
		{"", null, null, "a", ""},
	} {
		p := Place{types.StringValue(c.parent), c.priority, c.share}
		diags := CheckPlace(s, "task x:0", p, c.token)
		switch {
		case c.want == "" && len(diags) > 0:
			t.Errorf("%+v: %v", c, diags)
		case c.want != "" && (len(diags) != 1 || !strings.Contains(diags[0].Detail(), c.want)):
			t.Errorf("%+v: %v, want %q", c, diags, c.want)
		}
	}
}
