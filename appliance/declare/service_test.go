// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

// serve returns a client of the service of the world's engine.
func (w *world) serve() declarepb.PipelinesClient {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	g := grpc.NewServer()
	declare.Register(g, w.e, w.cat, nil, nil)
	go func() { _ = g.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close(); g.Stop() })
	return declarepb.NewPipelinesClient(conn)
}

func pb(text string) []*declarepb.Document {
	return []*declarepb.Document{{Name: "p.yaml", Text: header + text, Variables: map[string]string{"SIZE": "64"}}}
}

// refusal checks the status of an error.
func refusal(t *testing.T, err error, code codes.Code, text string) {
	t.Helper()
	if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), text) {
		t.Errorf("got %v, want %v with %q", err, code, text)
	}
}

func TestServiceAppliesWhatItPlanned(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.serve(), t.Context()
	docs := pb(replace(basic, "{class: Source}", `{class: Source, args: {pkt_size: "${SIZE}"}}`, "    out:", "    idle: {class: Sink}\n    out:"))
	plan, err := c.Plan(ctx, &declarepb.PlanRequest{Documents: docs})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Actions) != 7 || len(plan.Findings) != 1 || plan.Findings[0].Severity != "warning" || plan.Findings[0].Position != "p.yaml:9:5" ||
		plan.Findings[0].Object != "module idle" {
		t.Errorf("plan %v", plan)
	}
	if s := w.e.State(); len(s.Modules) != 0 {
		t.Errorf("planning changed something: %+v", s)
	}
	done, err := c.Apply(ctx, &declarepb.ApplyRequest{Documents: docs, Generation: plan.Generation})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range plan.Actions {
		if b := done.Actions[i]; a.String() != b.String() {
			t.Errorf("planned %v, did %v", a, b)
		}
	}
	if len(done.Findings) != 1 || done.Generation <= plan.Generation {
		t.Errorf("result %v", done)
	}
	again, err := c.Plan(ctx, &declarepb.PlanRequest{Documents: docs})
	if err != nil || len(again.Actions) != 0 || again.Generation != done.Generation {
		t.Errorf("second plan %v, %v", again, err)
	}
	out, err := c.Export(ctx, &declarepb.ExportRequest{})
	if err != nil || out.Generation != done.Generation || !strings.Contains(out.Yaml, "src -> mid -> out") {
		t.Errorf("export %v, %v", out, err)
	}
}

func TestServiceRefusals(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.serve(), t.Context()
	bad := pb("  modules: {a: {class: Sorce}}\n")
	v, err := c.Validate(ctx, &declarepb.ValidateRequest{Documents: bad})
	if err != nil || len(v.Findings) != 1 || v.Findings[0].Position != "p.yaml:4:24" || v.Findings[0].Field != "class" ||
		v.Findings[0].Hint != `did you mean "Source"?` {
		t.Errorf("findings %v, %v", v, err)
	}
	p, err := c.Plan(ctx, &declarepb.PlanRequest{Documents: bad})
	if err != nil || len(p.Findings) != 1 || len(p.Actions) != 0 {
		t.Errorf("plan %v, %v", p, err)
	}
	_, err = c.Apply(ctx, &declarepb.ApplyRequest{Documents: bad})
	refusal(t, err, codes.InvalidArgument, `p.yaml:4:24: error: module a: class: no class "Sorce"`)
	_, err = c.Apply(ctx, &declarepb.ApplyRequest{})
	refusal(t, err, codes.InvalidArgument, "no document")
	_, err = c.Apply(ctx, &declarepb.ApplyRequest{Documents: pb("  modules: {a: {class: Sink, args: {x: \"${HOME}\"}}}\n")})
	refusal(t, err, codes.InvalidArgument, "variable HOME is not set")
	_, err = c.Apply(ctx, &declarepb.ApplyRequest{Documents: pb("  workers: {0: {core: 65000}}\n")})
	refusal(t, err, codes.InvalidArgument, "65000: this machine has no such CPU core")
	_, err = c.Apply(ctx, &declarepb.ApplyRequest{Documents: pb(basic), Generation: 99})
	refusal(t, err, codes.Aborted, "plan again")
	w.fail = true
	_, err = c.Apply(ctx, &declarepb.ApplyRequest{Documents: pb("  modules: {a: {class: Failing}}\n")})
	refusal(t, err, codes.FailedPrecondition, "p.yaml:4:13: error: module a: ")
	if s := w.e.State(); len(s.Modules)+len(s.Workers) != 0 {
		t.Errorf("left %+v", s)
	}
}

func TestServiceOfSingleObjects(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.serve(), t.Context()
	w.apply(strings.Replace(basic, "  links:", "    spare: {class: Sink}\n  trafficClasses:\n    t: {policy: round_robin}\n    u: {policy: round_robin, parent: t}\n  links:", 1))
	arg, err := anypb.New(&source.SourceArg{PktSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.UpdateModule(ctx, &declarepb.UpdateModuleRequest{Name: "src", Arg: arg})
	if err != nil || u.How != "updated in place" {
		t.Errorf("%v %v", u, err)
	}
	_, err = c.UpdateModule(ctx, &declarepb.UpdateModuleRequest{Name: "nobody"})
	refusal(t, err, codes.NotFound, "nobody")
	_, err = c.UpdateModule(ctx, &declarepb.UpdateModuleRequest{Name: "out", Arg: arg})
	refusal(t, err, codes.InvalidArgument, "SourceArg")
	a, err := c.ModuleArg(ctx, &declarepb.ModuleArgRequest{Name: "src"})
	if err != nil || !proto.Equal(a.GetArg(), arg) {
		t.Errorf("%v %v", a, err)
	}
	_, err = c.ModuleArg(ctx, &declarepb.ModuleArgRequest{Name: "nobody"})
	refusal(t, err, codes.NotFound, "nobody")
	m, err := c.ModuleCounters(ctx, &declarepb.ModuleCountersRequest{Name: "src"})
	if err != nil || m.Panics != 0 {
		t.Errorf("%v %v", m, err)
	}
	_, err = c.ModuleCounters(ctx, &declarepb.ModuleCountersRequest{Name: "nobody"})
	refusal(t, err, codes.NotFound, "nobody")
	if _, err := c.MoveLink(ctx, &declarepb.MoveLinkRequest{From: "mid", To: "spare"}); err != nil {
		t.Error(err)
	}
	_, err = c.MoveLink(ctx, &declarepb.MoveLinkRequest{From: "mid", Ogate: 7, To: "spare"})
	refusal(t, err, codes.NotFound, "not connected")
	_, err = c.MoveLink(ctx, &declarepb.MoveLinkRequest{From: "mid", To: "src"})
	refusal(t, err, codes.InvalidArgument, "no input gate")
	_, err = c.DeleteTc(ctx, &declarepb.DeleteTcRequest{Name: "t"})
	refusal(t, err, codes.FailedPrecondition, "children")
	_, err = c.DeleteTc(ctx, &declarepb.DeleteTcRequest{Name: "!leaf_src:0"})
	refusal(t, err, codes.InvalidArgument, "goes with its module")
	_, err = c.DeleteTc(ctx, &declarepb.DeleteTcRequest{Name: "v"})
	refusal(t, err, codes.NotFound, "v")
	for _, name := range []string{"u", "t"} {
		if _, err := c.DeleteTc(ctx, &declarepb.DeleteTcRequest{Name: name}); err != nil {
			t.Error(err)
		}
	}
}

// Many clients apply at once: each of them all or nothing, one after the
// other.
func TestServiceWithManyClients(t *testing.T) {
	w := newWorld(t)
	c := w.serve()
	done := make(chan error)
	specs := []string{basic, everything, other, fair}
	for i := range 8 {
		go func() {
			var err error
			for range 10 {
				if _, e := c.Apply(context.Background(), &declarepb.ApplyRequest{Documents: pb(specs[i%len(specs)])}); e != nil {
					err = e
				}
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	var last *engine.State
	for _, spec := range specs {
		w.apply(spec)
		last = w.e.State()
	}
	if len(last.Modules) != 3 {
		t.Errorf("modules %+v", last.Modules)
	}
}
