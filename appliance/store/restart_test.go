// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module/acl"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

const small = "metadata: {name: edge, labels: {site: berlin}}\nspec:\n  modules:\n    src: {class: Source}\n    fw: {class: ACL, args: {rules: [{src_ip: 10.0.0.0/8}]}}\n    out: {class: Sink}\n  links: [src -> fw -> out]\n"

func pack(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (b *box) command(module, cmd string, arg proto.Message) {
	b.Helper()
	_, err := b.c.Command(context.Background(), module, cmd, pack(b, arg))
	b.must(err)
}

// settled waits until the newest generation satisfies ok.
func (b *box) settled(what string, ok func() bool) {
	b.Helper()
	b.Eventually(what, ok)
}

func TestWhatWasAppliedIsThereAfterAPowerCut(t *testing.T) {
	b := newBox(t)
	b.boot()
	b.must(b.apply(small))
	before := b.runs()
	b.kill()
	b.boot()
	if after := b.runs(); after != before {
		t.Fatalf("before:\n%s\nafter:\n%s", before, after)
	}
	if h := b.health(); h != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("health of the pipeline: %v", h)
	}
	h := b.history()
	if len(h) != 1 || h[0].GetGeneration() != 1 || h[0].GetOrigin() != "apply" || h[0].GetName() != "edge" || len(h[0].GetSha256()) != 64 || h[0].GetTime() == nil {
		t.Fatalf("history %v", h)
	}
}

func TestSingleCallsAreStoredSoonAndOnce(t *testing.T) {
	b := newBox(t)
	b.boot()
	ctx := context.Background()
	for i := range 20 {
		_, err := b.c.CreateModule(ctx, fmt.Sprintf("m%d", i), "Bypass", nil)
		b.must(err)
	}
	b.settled("the last call is stored", func() bool { return b.stores("m19:") })
	h := b.history()
	if len(h) != 1 {
		t.Fatalf("history %v", h)
	}
	// Nothing changes, nothing is written.
	time.Sleep(2 * time.Second)
	first := h[0].GetGeneration()
	if h := b.history(); len(h) != 1 || h[0].GetGeneration() != first {
		t.Fatalf("history %v", h)
	}
	if list, err := b.c.Modules(ctx); err != nil || len(list) != 20 {
		t.Fatalf("%v %v", list, err)
	}
	b.kill()
	b.boot()
	list, err := b.c.Modules(ctx)
	if err != nil || len(list) != 20 {
		t.Fatalf("%d modules came back, %v", len(list), err)
	}
	time.Sleep(time.Second)
	if h := b.history(); h[0].GetGeneration() != first {
		t.Fatalf("a restart wrote generation %d after %d", h[0].GetGeneration(), first)
	}
	// An orderly end stores what the background had no time for.
	_, err = b.c.CreateModule(ctx, "late", "Sink", nil)
	b.must(err)
	b.stop()
	b.boot()
	if !strings.Contains(b.runs(), "late") {
		t.Fatalf("the last change is lost:\n%s", b.runs())
	}
}

func TestCommandsAndHooksComeBack(t *testing.T) {
	b := newBox(t)
	b.boot()
	b.must(b.apply("spec:\n  modules:\n    src: {class: Source}\n    fw: {class: ACL, args: {rules: [{src_ip: 10.0.0.0/8}]}}\n    q: {class: Queue}\n    out: {class: Sink}\n  links: [src -> fw -> q -> out]\n"))
	b.command("fw", "add", &acl.ACLArg{Rules: []*acl.ACLArg_Rule{{SrcIp: "192.168.0.0/16", Drop: true}, {DstIp: "1.2.3.4/32"}}})
	b.command("src", "set_burst", &source.SourceCommandSetBurstArg{Burst: 7})
	b.command("src", "set_burst", &source.SourceCommandSetBurstArg{Burst: 0})
	b.command("q", "set_size", &queue.QueueCommandSetSizeArg{Size: 256})
	ctx := context.Background()
	bess := api.NewBESSControlClient(b.c.Conn())
	track := func(bits bool) {
		r, err := bess.ConfigureGateHook(ctx, &api.ConfigureGateHookRequest{Enable: true,
			Hook: &api.GateHookInfo{ClassName: "Track", HookName: "mine", ModuleName: "out", Gate: &api.GateHookInfo_Igate{Igate: 0}, Arg: pack(t, &api.TrackArg{Bits: bits})}})
		if err != nil || r.GetError() != nil {
			t.Fatalf("%v %v", r, err)
		}
	}
	track(true)
	off, err := bess.ConfigureGateHook(ctx, &api.ConfigureGateHookRequest{Enable: false,
		Hook: &api.GateHookInfo{ClassName: "Track", ModuleName: "q", Gate: &api.GateHookInfo_Ogate{Ogate: 0}}})
	if err != nil || off.GetError() != nil {
		t.Fatalf("%v %v", off, err)
	}
	what := func() string {
		fw, err := b.c.Module(ctx, "fw")
		b.must(err)
		q, err := b.c.Module(ctx, "q")
		b.must(err)
		hooks, err := b.c.GateHooks(ctx)
		b.must(err)
		s := fmt.Sprintln(fw.GetDesc(), q.GetDesc())
		for _, h := range hooks {
			arg := &api.TrackArg{}
			_ = h.GetArg().UnmarshalTo(arg)
			s += fmt.Sprintln(h.GetModuleName(), h.GetIgate(), h.GetOgate(), h.GetHookName(), arg.GetBits())
		}
		return s
	}
	before := what()
	if !strings.Contains(before, "3 rules") || !strings.Contains(before, "/256") {
		t.Fatalf("the commands did not work: %s", before)
	}
	b.settled("the last of the calls is stored", func() bool { return b.stores(`{"untracked":{"module":"q",`) })
	if h := b.history(); len(h) != 2 {
		t.Fatalf("history %v", h)
	}
	b.kill()
	b.boot()
	if after := what(); after != before {
		t.Fatalf("before:\n%s\nafter:\n%s", before, after)
	}
	if h := b.health(); h != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("health of the pipeline: %v", h)
	}
	// Back to what was applied: the rules of the commands are gone.
	r, err := b.rollback(0)
	b.must(err)
	if r.GetRestored() != 1 || len(r.GetProblems()) > 0 {
		t.Fatalf("%v", r)
	}
	if now := what(); !strings.HasPrefix(now, "1 rules") || strings.Contains(now, "mine") {
		t.Fatalf("after the rollback:\n%s", now)
	}
	b.kill()
	b.boot()
	if now := what(); !strings.HasPrefix(now, "1 rules") || strings.Contains(now, "mine") {
		t.Fatalf("after the rollback and a restart:\n%s", now)
	}
	if h := b.history(); h[0].GetOrigin() != "rollback" && h[1].GetOrigin() != "rollback" {
		t.Fatalf("history %v", h)
	}
}

// TestKillDuringApplies kills the daemon at random times while it applies one
// declaration after the other. Afterwards the last one that was answered, or
// the one under way, must run: none older, none in between.
func TestKillDuringApplies(t *testing.T) {
	b := newBox(t)
	rounds := 30
	if testing.Short() {
		rounds = 5
	}
	text := func(n int) string {
		return fmt.Sprintf("metadata: {name: n%d}\nspec:\n  modules:\n    a: {class: Source}\n    b%d: {class: Bypass}\n    c: {class: Sink}\n  links: [a -> b%d -> c]\n", n, n, n)
	}
	answered, tried := 0, 0
	for range rounds {
		b.boot()
		if answered > 0 {
			now := b.runs()
			switch {
			case strings.Contains(now, fmt.Sprintf("a -> b%d -> c", answered)):
			case strings.Contains(now, fmt.Sprintf("a -> b%d -> c", tried)):
				answered = tried
			default:
				t.Fatalf("%d was answered or ran before, %d tried, but this runs:\n%s", answered, tried, now)
			}
			if h := b.health(); h != healthpb.HealthCheckResponse_SERVING {
				t.Fatalf("health of the pipeline: %v", h)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				tried++
				if b.apply(text(tried)) != nil {
					return
				}
				answered = tried
			}
		})
		time.Sleep(time.Duration(rand.IntN(60_000)) * time.Microsecond)
		b.kill()
		wg.Wait()
	}
	t.Logf("%d applies were answered in %d rounds", answered, rounds)
	for _, name := range b.files() {
		if strings.Contains(name, "damaged") {
			t.Fatalf("a kill left a damaged file: %v", b.files())
		}
	}
}

func TestTwoClientsApplyAtOnce(t *testing.T) {
	b := newBox(t)
	b.boot()
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range 20 {
				if err := b.apply(fmt.Sprintf("spec:\n  modules:\n    w%d_%d: {class: Sink}\n", w, i)); err != nil {
					t.Error(err)
				}
				if i%5 == 0 {
					_, err := b.c.CreateModule(context.Background(), "", "Bypass", nil)
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	before := b.runs()
	b.kill() // at once: everything but single calls must be there
	b.boot()
	if after := b.runs(); after != before && !strings.Contains(before, "bypass") {
		t.Fatalf("before:\n%s\nafter:\n%s", before, after)
	}
	if n := len(b.history()); n > 16 {
		t.Fatalf("%d generations", n)
	}
}

func TestRollback(t *testing.T) {
	b := newBox(t, "-store_generations", "3")
	b.boot()
	for i := 1; i <= 5; i++ {
		b.must(b.apply(fmt.Sprintf("spec:\n  modules:\n    m%d: {class: Sink}\n", i)))
	}
	h := b.history()
	if len(h) != 3 || h[0].GetGeneration() != 5 || h[2].GetGeneration() != 3 {
		t.Fatalf("%v", h)
	}
	if _, err := b.rollback(1); status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "the store has 3 to 5") {
		t.Fatalf("%v", err)
	}
	r, err := b.rollback(3)
	if err != nil || r.GetRestored() != 3 || len(r.GetActions()) != 2 {
		t.Fatalf("%v %v", r, err)
	}
	if !strings.Contains(b.runs(), "m3") {
		t.Fatal(b.runs())
	}
	if h := b.history(); h[0].GetGeneration() != 6 || h[0].GetOrigin() != "rollback" {
		t.Fatalf("%v", h)
	}
	if r, err = b.rollback(0); err != nil || r.GetRestored() != 5 {
		t.Fatalf("%v %v", r, err)
	}
}
