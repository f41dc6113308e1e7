// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"slices"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

func share(n int64) *api.TrafficClass_Share       { return &api.TrafficClass_Share{Share: n} }
func priority(n int64) *api.TrafficClass_Priority { return &api.TrafficClass_Priority{Priority: n} }

func limit(res string, n int64) map[string]int64 { return map[string]int64{res: n} }

// The worked sequence of spec: scheduler.md section 3.
func TestOrphansFindTheirPlaces(t *testing.T) {
	p := start(t)
	p.make("s0", "Source", nil)
	p.make("s1", "Source", nil)
	for name, c := range p.tcs() {
		if c.GetClass().GetWid() != -1 || c.GetClass().GetPolicy() != "leaf" {
			t.Fatalf("%s: %v", name, c)
		}
	}
	w, err := p.ListWorkers(p.ctx, &api.EmptyRequest{})
	if len(ok(p, w, err).GetWorkersStatus()) != 0 {
		t.Fatal("a worker exists before one is needed")
	}
	r, err := p.tc(&api.TrafficClass{Name: "fast", Policy: "rate_limit", Resource: "packet", Limit: limit("packet", 1000), Wid: -1})
	ok(p, r, err)
	tcs := p.tcs()
	for _, name := range []string{"!leaf_s0:0", "!leaf_s1:0", "fast"} {
		if got := tcs[name].GetParent(); got != "!default_rr_0" {
			t.Errorf("parent of %s is %q", name, got)
		}
	}
	if got := tcs["fast"].GetClass(); got.GetLimit()["packet"] != 1000 || len(got.GetMaxBurst()) != 1 || got.GetWid() != 0 || !got.GetBlocked() {
		t.Errorf("fast: %v", got)
	}
	r, err = p.move(&api.TrafficClass{LeafModuleName: "s0", Parent: "fast", Wid: -1})
	ok(p, r, err)
	p.resume()
	w, err = p.ListWorkers(p.ctx, &api.EmptyRequest{})
	st := ok(p, w, err).GetWorkersStatus()
	if len(st) != 1 || st[0].GetNumTcs() != 4 || !st[0].GetRunning() {
		t.Fatalf("workers %v", st)
	}
	if got := p.tcs()["!leaf_s0:0"]; got.GetParent() != "fast" || got.GetClass().GetParent() != "" ||
		got.GetClass().GetLeafModuleName() != "s0" {
		t.Fatalf("leaf: %v", got)
	}
}

func TestDefaultRootCollapsesOnResumeAll(t *testing.T) {
	p := start(t)
	p.worker(0)
	p.make("a", "Source", nil)
	p.make("b", "Source", nil)
	p.resume()
	if p.tcs()["!default_rr_0"] == nil {
		t.Fatal("two tasks without a default root")
	}
	d, err := p.DestroyModule(p.ctx, &api.DestroyModuleRequest{Name: "b"})
	ok(p, d, err)
	p.pause()
	p.resume()
	if c := p.tcs(); c["!default_rr_0"] != nil || len(c) != 1 {
		t.Fatalf("classes %v", c)
	}
}

func TestTrafficClassErrors(t *testing.T) {
	p := start(t)
	bad := func(code int, texts ...string) func(*api.EmptyResponse, error) {
		return refused[*api.EmptyResponse](p, code, texts...)
	}
	type tc = api.TrafficClass
	bad(einval, "Missing 'name' field")(p.tc(&tc{Policy: "round_robin", Wid: -1}))
	bad(einval, "TC names starting with '!' are reserved")(p.tc(&tc{Name: "!x", Policy: "round_robin", Wid: -1}))
	bad(einval, "Invalid traffic policy")(p.tc(&tc{Name: "x", Policy: "fair", Wid: -1}))
	bad(einval, "Cannot create leaf TC. Use UpdateTcParentRequest message")(p.tc(&tc{Name: "x", Policy: "leaf", Wid: -1}))
	bad(einval, "Invalid resource")(p.tc(&tc{Name: "x", Policy: "weighted_fair", Resource: "pkts", Wid: -1}))
	bad(einval, "limit[bit]: 0")(p.tc(&tc{Name: "x", Policy: "rate_limit", Resource: "bit", Wid: -1}))
	bad(einval, "-5")(p.tc(&tc{Name: "x", Policy: "rate_limit", Resource: "bit", Limit: limit("bit", -5), Wid: -1}))
	bad(einval, "'wid' must be -1 or between 0 and 63")(p.tc(&tc{Name: "x", Policy: "round_robin", Wid: 64}))
	p.worker(0)
	bad(einval, "worker:1 does not exist")(p.tc(&tc{Name: "x", Policy: "round_robin", Wid: 1}))

	for name, policy := range map[string]string{"prio": "priority", "rr": "round_robin"} {
		r, err := p.tc(&tc{Name: name, Policy: policy, Wid: 0})
		ok(p, r, err)
	}
	r, err := p.tc(&tc{Name: "wfs", Policy: "weighted_fair", Resource: "count", Wid: 0})
	ok(p, r, err)
	bad(einval, "Name 'rr' already exists")(p.tc(&tc{Name: "rr", Policy: "round_robin", Wid: 0}))
	bad(einval, "Both 'parent' and 'wid'have been specified")(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "rr"}))
	bad(enoent, "Parent TC 'nope' not found")(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "nope", Wid: -1}))
	bad(einval, "No priority specified")(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "prio", Wid: -1}))
	bad(einval, "Priority -1 is reserved")(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "prio", Wid: -1, Arg: priority(0xffffffff)}))
	bad(einval, "No share specified")(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "wfs", Wid: -1}))
	bad(einval)(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "wfs", Wid: -1, Arg: share(-1)}))
	r, err = p.tc(&tc{Name: "p5", Policy: "round_robin", Parent: "prio", Wid: -1, Arg: priority(5)})
	ok(p, r, err)
	bad(einval, "AddChild() failed")(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "prio", Wid: -1, Arg: priority(5)}))
	p.make("s", "Source", nil)
	p.resume()
	bad(eperm, "Parent tc doesn't support children")(p.tc(&tc{Name: "x", Policy: "round_robin", Parent: "!leaf_s:0", Wid: -1}))
	if p.tcs()["x"] != nil {
		t.Fatal("a refused class exists")
	}

	update := func(c *tc) (*api.EmptyResponse, error) {
		return p.UpdateTcParams(p.ctx, &api.UpdateTcParamsRequest{Class: c})
	}
	bad(enoent, "Tc 'nope' doesn't exist")(update(&tc{Name: "nope"}))
	bad(einval, "One of 'name' or 'leaf_module_name' must be specified")(update(&tc{}))
	bad(enoent, "No module 'm' found")(update(&tc{LeafModuleName: "m"}))
	bad(einval, "'taskid' must be between 0 and 31")(update(&tc{LeafModuleName: "s", LeafModuleTaskid: 32}))
	bad(enoent, "Task s:1 does not exist")(update(&tc{LeafModuleName: "s", LeafModuleTaskid: 1}))
	bad(einval, "Only 'rate_limit' and 'weighted_fair' can be updated")(update(&tc{Name: "rr"}))
	bad(einval, "Cannot detach 'rr'")(p.move(&tc{Name: "rr", Parent: "prio", Wid: -1, Arg: priority(9)}))

	refused[*api.GetTcStatsResponse](p, einval, "Argument must be a name in str")(p.GetTcStats(p.ctx, &api.GetTcStatsRequest{}))
	refused[*api.GetTcStatsResponse](p, enoent, "No TC 'x' found")(p.GetTcStats(p.ctx, &api.GetTcStatsRequest{Name: "x"}))
	refused[*api.ListTcsResponse](p, einval, "'wid' must be between 0 and 63")(p.ListTcs(p.ctx, &api.ListTcsRequest{Wid: 64}))
	bad(ebusy, "TCs still have tasks")(p.ResetTcs(p.ctx, &api.EmptyRequest{}))
}

// In the original the leaf and the task are gone after this, and the next use
// crashes the daemon (spec: badinput.md row 2).
func TestFailedMoveLeavesTheTaskWhereItWas(t *testing.T) {
	p := start(t)
	p.make("src", "Source", nil)
	p.make("sink", "Sink", nil)
	p.link("src", 0, "sink", 0)
	p.resume()
	refused[*api.EmptyResponse](p, einval, "worker:7 does not exist")(p.move(&api.TrafficClass{LeafModuleName: "src", Wid: 7}))
	refused[*api.EmptyResponse](p, enoent, "not found")(p.move(&api.TrafficClass{LeafModuleName: "src", Parent: "nope", Wid: -1}))
	before := p.packets("!leaf_src:0")
	p.await("traffic", func() bool { return p.packets("!leaf_src:0") > before })
	r, err := p.ResetAll(p.ctx, &api.EmptyRequest{})
	ok(p, r, err)
	if c := p.tcs(); len(c) != 0 {
		t.Fatalf("classes after ResetAll: %v", c)
	}
}

func TestUpdateTcParams(t *testing.T) {
	p := start(t)
	r, err := p.tc(&api.TrafficClass{Name: "rl", Policy: "rate_limit", Resource: "packet", Limit: limit("packet", 10), MaxBurst: limit("packet", 3), Wid: -1})
	ok(p, r, err)
	r, err = p.UpdateTcParams(p.ctx, &api.UpdateTcParamsRequest{Class: &api.TrafficClass{Name: "rl", Resource: "packet", Limit: limit("packet", 20)}})
	ok(p, r, err)
	if c := p.tcs()["rl"].GetClass(); c.GetLimit()["packet"] != 20 || c.GetMaxBurst()["packet"] != 3 {
		t.Fatalf("%v", c)
	}
	refused[*api.EmptyResponse](p, einval, "Invalid resource")(p.UpdateTcParams(p.ctx, &api.UpdateTcParamsRequest{Class: &api.TrafficClass{Name: "rl", Resource: "x"}}))
	refused[*api.EmptyResponse](p, einval, "limit")(p.UpdateTcParams(p.ctx, &api.UpdateTcParamsRequest{Class: &api.TrafficClass{Name: "rl", Resource: "bit", Limit: limit("bit", 0)}}))
}

func TestPickerServesWorkersInTurnAndStartsAnewAfterReset(t *testing.T) {
	p := start(t)
	for range 2 {
		p.worker(0)
		p.worker(1)
		var wids []int64
		for _, name := range []string{"a", "b", "c"} {
			p.make(name, "Source", nil)
		}
		p.resume()
		for _, name := range []string{"a", "b", "c"} {
			wids = append(wids, p.tcs()["!leaf_"+name+":0"].GetClass().GetWid())
		}
		if !slices.Equal(wids, []int64{0, 1, 0}) {
			t.Fatalf("workers %v", wids)
		}
		p.pause()
		r, err := p.ResetAll(p.ctx, &api.EmptyRequest{})
		ok(p, r, err)
	}
}
