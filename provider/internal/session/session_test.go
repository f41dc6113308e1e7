// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

func ptr[T any](v T) *T { return &v }

// nobody returns an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	return "unix:" + filepath.Join(t.TempDir(), "none")
}

func TestAddressNotKnown(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Modules(context.Background()); !errors.Is(err, ErrNoAddress) {
		t.Errorf("list: %v", err)
	}
	var diags diag.Diagnostics
	if c := s.Connection(&diags); c != nil || !diags.HasError() {
		t.Errorf("a change: %v, %v", c, diags)
	}
	diags = nil
	ReadFailed(&diags, "module", ErrNoAddress)
	if len(diags) > 0 {
		t.Errorf("a refresh: %v", diags)
	}
	if _, err := New(Options{Address: ptr("http://x")}); err == nil {
		t.Error("a bad address is accepted")
	}
}

// A daemon that is not there spoils changes, but not plans.
func TestDaemonNotThere(t *testing.T) {
	s, err := New(Options{Address: ptr(nobody(t)), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Modules(context.Background())
	if !client.IsUnreachable(err) {
		t.Fatalf("got %v", err)
	}
	if _, again := s.ModuleInfo(context.Background(), "a"); !errors.Is(again, err) {
		t.Errorf("the daemon was looked for twice: %v", again)
	}
	var diags diag.Diagnostics
	ReadFailed(&diags, `module "a"`, err)
	if diags.HasError() || diags.WarningsCount() != 1 || !strings.Contains(diags[0].Detail(), "from the state alone") {
		t.Errorf("a refresh: %v", diags)
	}
	diags = nil
	Failed(&diags, "create module", err)
	if !diags.HasError() || !strings.Contains(diags[0].Detail(), "Cannot create module: ") {
		t.Errorf("a change: %v", diags)
	}
	diags = nil
	ReadFailed(&diags, "module", errors.New("something else"))
	if !diags.HasError() {
		t.Errorf("another error: %v", diags)
	}
}

func TestCached(t *testing.T) {
	s := &Session{}
	s.start.init()
	var c cached[int]
	calls := 0
	load := func(context.Context) (int, error) { calls++; return calls, nil }
	get := func() int {
		v, err := c.get(context.Background(), s, load)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for range 3 {
		if get() != 1 {
			t.Error("the list is loaded for each resource")
		}
	}
	s.Change()()
	if get() != 2 {
		t.Error("a change is not seen")
	}
	c.at = time.Now().Add(-2 * cacheFor)
	if get() != 3 {
		t.Error("an old list is taken for true")
	}
}

func TestRetry(t *testing.T) {
	busy, other := errors.New("busy"), errors.New("other")
	again := func(err error) bool { return errors.Is(err, busy) }
	for name, c := range map[string]struct {
		answers []error
		want    error
		calls   int
	}{
		"at once":     {[]error{nil}, nil, 1},
		"third time":  {[]error{busy, busy, nil}, nil, 3},
		"other error": {[]error{busy, other, nil}, other, 2},
	} {
		calls := 0
		err := Retry(context.Background(), time.Minute, again, func() error { calls++; return c.answers[calls-1] })
		if !errors.Is(err, c.want) || calls != c.calls {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
	}
	if err := Retry(context.Background(), 0, again, func() error { return busy }); !errors.Is(err, busy) {
		t.Errorf("without time: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Retry(ctx, time.Hour, again, func() error { return busy }); !errors.Is(err, busy) {
		t.Errorf("interrupted: %v", err)
	}
}

// Waiting ends when nothing else is being changed, not before.
func TestAwaitQuiet(t *testing.T) {
	s := &Session{}
	s.start.init()
	other := s.Change()
	mine := s.Change()
	waited := make(chan struct{})
	go func() {
		s.start.await(context.Background(), func() bool { return false })
		mine()
		close(waited)
	}()
	select {
	case <-waited:
		t.Error("waiting ended while another resource was being changed")
	case <-time.After(2 * quietFor):
	}
	other()
	<-waited
}

func TestAwaitEndsWhenDone(t *testing.T) {
	s := &Session{}
	s.start.init()
	defer s.Change()()
	other := s.Change()
	defer other()
	s.start.await(context.Background(), func() bool { return true })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.start.await(ctx, func() bool { return false })
}

func TestHold(t *testing.T) {
	s := &Session{}
	s.start.init()
	if s.start.hold() {
		t.Error("nothing is to stand still")
	}
	done := s.AddingWorker(1, true)
	if !s.start.hold() || s.start.keeping() {
		t.Error("a worker being made must not be started by others")
	}
	done()
	s.AddingWorker(2, false)()
	if !s.start.hold() || !s.start.keeping() {
		t.Error("worker 2 must stand still")
	}
	s.KeepPaused(2, false)
	if s.start.hold() {
		t.Error("worker 2 may run again")
	}
}

func TestPlacement(t *testing.T) {
	leaf := func(parent string, wid int64) *client.TC {
		return &client.TC{Parent: parent, Class: &api.TrafficClass{
			Name: "!leaf_src:3", LeafModuleName: "src", LeafModuleTaskid: 3, Wid: wid, Arg: &api.TrafficClass_Share{Share: 7}}}
	}
	for name, c := range map[string]struct {
		tc     *client.TC
		parent string
		wid    int64
		share  int64
	}{
		"below a class": {leaf("fair", 2), "fair", -1, 7},
		"automatic":     {leaf("!default_rr_2", 2), "", 2, 0},
		"root":          {leaf("", 2), "", 2, 0},
		"orphan":        {leaf("", -1), "", -1, 0},
	} {
		p := Placement(c.tc)
		if p.GetParent() != c.parent || p.GetWid() != c.wid || p.GetShare() != c.share || p.GetLeafModuleTaskid() != 3 || p.GetName() != "" {
			t.Errorf("%s: %v", name, p)
		}
	}
}

func TestCutsBelongToTheirModules(t *testing.T) {
	s := &Session{}
	s.Destroyed(&Surroundings{
		Links: []Link{{"a", 0, "b", 0}, {"b", 0, "c", 1}, {"x", 0, "y", 0}},
		Tasks: []*api.TrafficClass{{LeafModuleName: "b"}, {LeafModuleName: "x"}},
	})
	around := s.cuts.take("b")
	if len(around.Links) != 2 || len(around.Tasks) != 1 || around.Links[1].String() != "b:0->1:c" {
		t.Errorf("b had %v", around)
	}
	if around := s.cuts.take("b"); len(around.Links)+len(around.Tasks) > 0 {
		t.Errorf("b has %v twice", around)
	}
	if around := s.cuts.take("y"); len(around.Links) != 1 {
		t.Errorf("y had %v", around)
	}
	if diags := s.Created(context.Background(), "nobody"); len(diags) > 0 {
		t.Error(diags)
	}
}

func TestViolations(t *testing.T) {
	if d := violations(&api.CheckSchedulingConstraintsResponse{}); len(d) > 0 {
		t.Error(d)
	}
	d := violations(&api.CheckSchedulingConstraintsResponse{Modules: []*api.CheckSchedulingConstraintsResponse_ViolatingModule{{Name: "nat"}}})
	if d.HasError() || len(d) != 1 || !strings.Contains(d[0].Detail(), "nat") {
		t.Error(d)
	}
}

func TestNothingRuns(t *testing.T) {
	d := nothingRuns([]*client.Worker{{Wid: 0}, {Wid: 7}})
	if d.Severity() != diag.SeverityWarning || !strings.Contains(d.Detail(), "all workers (0, 7) are paused") {
		t.Error(d)
	}
}
