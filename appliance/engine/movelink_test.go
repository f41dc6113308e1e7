// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/hook/track"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/bypass"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

// tracked is an engine in which output gates count.
func tracked(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Options{Classes: []*module.Class{source.Class, sink.Class, bypass.Class}, Hooks: []*hook.Class{track.Class}, Buffers: 4096})
	must(t, err)
	t.Cleanup(e.Close)
	build(t, e, "src", "Source", "by", "Bypass", "a", "Sink")
	_, err = e.CreateModule("b", "Sink", nil)
	must(t, err)
	e.ResumeAll()
	return e
}

func sent(t *testing.T, e *engine.Engine, name string) (peer string, packets uint64) {
	t.Helper()
	info, err := e.ModuleInfo(name)
	must(t, err)
	if len(info.Outputs) != 1 || info.Outputs[0].Counts == nil {
		t.Fatalf("%s: outputs %+v", name, info.Outputs)
	}
	return info.Outputs[0].Peer.Module, info.Outputs[0].Counts.Packets
}

func TestMoveLinkKeepsCountersAndLosesNothing(t *testing.T) {
	e := tracked(t)
	await(t, "traffic", func() bool { _, n := sent(t, e, "by"); return n > 1000 })
	_, before := sent(t, e, "by")
	must(t, e.MoveLink("by", 0, "b", 0))
	peer, after := sent(t, e, "by")
	if peer != "b" || after < before {
		t.Errorf("leads to %s, counted %d and then %d", peer, before, after)
	}
	await(t, "traffic", func() bool { _, n := sent(t, e, "by"); return n > after })
	if w := e.ListWorkers(); w[0].SilentDrops != 0 {
		t.Errorf("%d packets were dropped by the change", w[0].SilentDrops)
	}
	generation := e.Generation()
	must(t, e.MoveLink("by", 0, "b", 0))
	if e.Generation() != generation {
		t.Error("a link that leads there already was changed")
	}
}

func TestMoveLinkErrorsLeaveTheLink(t *testing.T) {
	e := tracked(t)
	before := e.State()
	for _, tt := range []struct {
		m1   string
		og   uint64
		m2   string
		ig   uint64
		code int
	}{
		{"", 0, "b", 0, errno.EINVAL}, {"nobody", 0, "b", 0, errno.ENOENT}, {"by", 0, "nobody", 0, errno.ENOENT},
		{"src", 1, "b", 0, errno.EINVAL}, {"by", 0, "b", 1 << 40, errno.EINVAL}, {"b", 0, "a", 0, errno.EINVAL}, {"by", 0, "src", 0, errno.EINVAL},
	} {
		if err := e.MoveLink(tt.m1, tt.og, tt.m2, tt.ig); errno.Code(err) != tt.code {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	must(t, e.Disconnect("by", 0))
	if err := e.MoveLink("by", 0, "b", 0); errno.Code(err) != errno.ENOENT {
		t.Errorf("a gate that is not connected: %v", err)
	}
	must(t, e.Connect("by", 0, "a", 0, false))
	if after := e.State(); !reflect.DeepEqual(before.Links, after.Links) {
		t.Errorf("links %+v, were %+v", after.Links, before.Links)
	}
}

func TestMoveLinkIsUndone(t *testing.T) {
	e := tracked(t)
	await(t, "traffic", func() bool { _, n := sent(t, e, "by"); return n > 1000 })
	_, before := sent(t, e, "by")
	boom := errors.New("boom")
	err := e.Transaction(func(tx *engine.Tx) error {
		must(t, tx.MoveLink("by", 0, "b", 0))
		must(t, tx.DestroyModule("a"))
		return boom
	})
	peer, after := sent(t, e, "by")
	if !errors.Is(err, boom) || peer != "a" || after < before {
		t.Errorf("%v: leads to %s, counted %d and then %d", err, peer, before, after)
	}
	await(t, "traffic", func() bool { _, n := sent(t, e, "by"); return n > after })
}
