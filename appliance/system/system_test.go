// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// hanging is a class whose task hangs until it is told not to.
type hanging struct {
	module.NoInput
	release chan struct{}
	hangs   chan struct{}
	once    sync.Once
	panics  bool
}

func (h *hanging) RunTask(*module.Context, int) module.Result {
	if h.panics {
		panic("as ordered")
	}
	h.once.Do(func() { close(h.hangs) })
	<-h.release
	return module.Result{Blocked: true}
}

func newEngine(t *testing.T, h *hanging) *engine.Engine {
	t.Helper()
	c := &module.Class{Name: "Hanging", Prefix: "hanging", Task: true, New: func(env *module.Env, _ proto.Message) (module.Module, error) {
		env.AddTask()
		return h, nil
	}}
	e, err := engine.New(engine.Options{Classes: []*module.Class{c}, Buffers: 1024})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func reason(c *Conditions, name string) string {
	for _, k := range c.List() {
		if k.Name == name {
			return k.Reason
		}
	}
	return "there is no condition " + name
}

func TestCheckerFindsAWorkerThatHangs(t *testing.T) {
	h := &hanging{release: make(chan struct{}), hangs: make(chan struct{})}
	e := newEngine(t, h)
	var cs Conditions
	c := NewChecker(e, &cs)
	if !c.Look(10 * time.Second) {
		t.Fatalf("nothing runs, and yet: %v", cs.List())
	}
	if _, err := e.CreateModule("m", "Hanging", nil); err != nil {
		t.Fatal(err)
	}
	e.ResumeAll()
	<-h.hangs
	if c.Look(20*time.Millisecond) || !strings.Contains(reason(&cs, ConditionWorkers), "worker 0 on core 0 has not ended its batch") {
		t.Fatalf("%v", cs.List())
	}
	// A call that waits for the worker keeps the engine.
	done := make(chan struct{})
	go func() { e.PauseAll(); close(done) }()
	testenv.Eventually(t, "the engine is missed", func() bool {
		c.Look(5 * time.Millisecond)
		return strings.Contains(reason(&cs, ConditionEngine), "no call that reads or changes the pipeline")
	})
	close(h.release)
	<-done
	testenv.Eventually(t, "all is well again", func() bool {
		return c.Look(time.Second) && reason(&cs, ConditionEngine)+reason(&cs, ConditionWorkers) == ""
	})
}

func TestCheckerTellsPanics(t *testing.T) {
	e := newEngine(t, &hanging{panics: true})
	if _, err := e.CreateModule("m", "Hanging", nil); err != nil {
		t.Fatal(err)
	}
	e.ResumeAll()
	var cs Conditions
	c := NewChecker(e, &cs)
	testenv.Eventually(t, "the panic is told", func() bool {
		return c.Look(10*time.Second) && strings.Contains(reason(&cs, ConditionModules), "module m (Hanging) panicked")
	})
}

func TestConditionsKeepTheirTime(t *testing.T) {
	var c Conditions
	var seen []string
	c.Set("a", nil)
	c.Watch(func(name string, ok bool) { seen = append(seen, fmt.Sprint(name, ok)) })
	c.Set("a", errors.New("one"))
	first := c.List()[0]
	c.Set("a", errors.New("two"))
	second := c.List()[0]
	if first.OK || second.Reason != "two" || !second.Since.Equal(first.Since) {
		t.Fatalf("%v %v", first, second)
	}
	if want := []string{"atrue", "afalse", "afalse"}; !slices.Equal(seen, want) {
		t.Fatalf("%v", seen)
	}
}

func TestRing(t *testing.T) {
	r := NewRing()
	if l, next := r.Last(0, 7); len(l) != 0 || next != 1 {
		t.Fatal(l, next)
	}
	for i := range ringLines + 10 {
		r.Add(time.Now(), i%8, FromDaemon, fmt.Sprint(i))
	}
	all, next := r.Last(0, 7)
	if len(all) != ringLines || all[0].Text != "10" || next != ringLines+11 {
		t.Fatal(len(all), all[0], next)
	}
	few, _ := r.Last(3, 0)
	if len(few) != 3 || few[2].Number <= few[1].Number || few[0].Priority != 0 {
		t.Fatal(few)
	}
	if _, _, err := r.From(5, 10); !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	_, more, err := r.From(next, 10)
	if err != nil {
		t.Fatal(err)
	}
	r.Add(time.Now(), 3, FromDaemon, strings.Repeat("x", 5000)+"\xff")
	<-more
	l, _, err := r.From(next, 10)
	if err != nil || len(l) != 1 || len(l[0].Text) != maxLine {
		t.Fatal(l, err)
	}
}

func TestHandlerFeedsTheRing(t *testing.T) {
	r := NewRing()
	var out strings.Builder
	log := slog.New(r.Handler(slog.NewTextHandler(&out, nil)))
	log.With("module", "fw").WithGroup("g").Error("went wrong", "n", 3)
	log.Debug("not wanted")
	l, _ := r.Last(0, 7)
	if len(l) != 1 || l[0].Text != `msg="went wrong" module=fw g.n=3` || l[0].Priority != PriorityError || !strings.Contains(out.String(), "level=ERROR") {
		t.Fatal(l, out.String())
	}
}

func FuzzParseKernel(f *testing.F) {
	f.Add([]byte("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n"))
	f.Add([]byte("4294967295,1,9223372036854775807,-;\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, after, text, ok := parseKernel(b); ok && (p < 0 || p > 7 || strings.Contains(text, "\n")) {
			t.Fatal(p, after, text)
		}
	})
}

func TestParseKernel(t *testing.T) {
	p, after, text, ok := parseKernel([]byte("30,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n"))
	if !ok || p != 6 || after != 5140900*time.Microsecond || text != "NET: Registered" {
		t.Fatal(p, after, text, ok)
	}
}

// serve starts the service and returns a client.
func serve(t *testing.T, o Options) appliancepb.ApplianceClient {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Log = slog.New(slog.DiscardHandler)
	g := grpc.NewServer()
	Register(g, o)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return appliancepb.NewApplianceClient(conn)
}

func TestFollowTheLog(t *testing.T) {
	r := NewRing()
	history := filepath.Join(t.TempDir(), "early")
	if err := os.WriteFile(history, []byte("one\r\n\ntwo\nthree"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.FollowHistory(t.Context(), history); err != nil {
		t.Fatal(err)
	}
	ending := make(chan struct{})
	c := serve(t, Options{Ring: r, Ending: ending})
	warning := uint32(PriorityWarning)
	s, err := c.ReadLog(context.Background(), &appliancepb.ReadLogRequest{Lines: 2, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	next := func() *appliancepb.LogLine {
		t.Helper()
		l, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if a, b := next(), next(); a.GetText() != "two" || b.GetText() != "three" || b.GetSource() != FromInit || b.GetNumber() != 3 {
		t.Fatal(a, b)
	}
	r.Add(time.Now(), PriorityError, FromDaemon, "four")
	if l := next(); l.GetText() != "four" || l.GetPriority() != PriorityError {
		t.Fatal(l)
	}
	only, err := c.ReadLog(context.Background(), &appliancepb.ReadLogRequest{Priority: &warning})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := only.Recv(); err != nil || l.GetText() != "four" {
		t.Fatal(l, err)
	}
	if _, err := only.Recv(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	close(ending)
	if _, err := s.Recv(); status.Code(err) != codes.Unavailable {
		t.Fatal(err)
	}
}

// initd answers one line to every line it gets.
func initd(t *testing.T, answer string) (socket string, heard chan string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "init")
	if err != nil {
		t.Fatal(err)
	}
	socket, heard = filepath.Join(dir, "s"), make(chan string, 1)
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(dir) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			heard <- line
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	return socket, heard
}

func TestPower(t *testing.T) {
	ctx := context.Background()
	socket, heard := initd(t, "ok\n")
	c := serve(t, Options{InitSocket: socket})
	if _, err := c.Shutdown(ctx, &appliancepb.ShutdownRequest{}); err != nil || <-heard != "poweroff\n" {
		t.Fatal(err)
	}
	if _, err := c.Reboot(ctx, &appliancepb.RebootRequest{}); err != nil || <-heard != "reboot\n" {
		t.Fatal(err)
	}
	socket, _ = initd(t, "an update is being written\n")
	_, err := serve(t, Options{InitSocket: socket}).Reboot(ctx, &appliancepb.RebootRequest{})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), `init refuses to reboot: "an update is being written"`) {
		t.Fatal(err)
	}
	_, err = serve(t, Options{InitSocket: filepath.Join(t.TempDir(), "none")}).Shutdown(ctx, &appliancepb.ShutdownRequest{})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "there is no init process here") {
		t.Fatal(err)
	}
}

func TestFacts(t *testing.T) {
	e := newEngine(t, &hanging{})
	if err := e.AddWorker(3, 0, ""); err != nil {
		t.Fatal(err)
	}
	ns := testenv.Netns(t)
	ns.Veth("nic0", "nic1")
	var f *appliancepb.GetFactsResponse
	ns.Do(func() (err error) { f, err = facts(e, "v1", true); return err })
	if f.GetVersion() != "v1" || f.GetKernel() == "" || f.GetMemoryTotal() < 1<<20 || f.GetUptime().AsDuration() <= 0 || len(f.GetCores()) == 0 {
		t.Fatalf("%v", f)
	}
	if c := f.GetCores()[0]; !c.GetAllowed() || !slices.Equal(c.GetWorkers(), []int64{3}) {
		t.Fatalf("%v", c)
	}
	var nic *appliancepb.Interface
	for _, i := range f.GetInterfaces() {
		if i.GetName() == "nic0" {
			nic = i
		}
	}
	if nic.GetDriver() != "veth" || !nic.GetAdminUp() || !nic.GetLinkUp() || len(nic.GetMac()) != 17 || nic.GetMtu() != 1500 || nic.GetRxQueues() == 0 {
		t.Fatalf("%v", nic)
	}
	if f.GetAfXdp() == "yes" && nic.GetAfXdp() != "yes" {
		t.Fatalf("an AF_XDP socket can be opened, but not bound to a veth: %v", nic)
	}
	for _, s := range []string{nic.GetXdpNative(), nic.GetXdpZerocopy(), f.GetAfPacket()} {
		if head, _, _ := strings.Cut(s, ":"); head != "yes" && head != "no" && head != "unknown" {
			t.Fatalf("%q in %v", s, nic)
		}
	}
	t.Logf("%v", nic)
}

func TestFactsFromFiles(t *testing.T) {
	if l := parseCores("0-2,7, 9-8,x,3-999999999"); !slices.Equal(l, []int{0, 1, 2, 7}) {
		t.Fatal(l)
	}
	if n := meminfo("MemFree: 1 kB\nMemTotal:   1024 kB\n", "MemTotal"); n != 1<<20 {
		t.Fatal(n)
	}
	file := filepath.Join(t.TempDir(), "image.json")
	if i, kept := image(file); i != nil || kept != nil {
		t.Fatal("an image out of nothing")
	}
	if err := os.WriteFile(file, []byte(`{"version": "1.2", "slot": "a", "isolated": [0], "more": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	i, kept := image(file)
	if i.GetVersion() != "1.2" || i.GetSlot() != "a" || !slices.Equal(kept, []int{0}) {
		t.Fatal(i, kept)
	}
	if c := cores(nil, nil, kept); len(c) == 0 || !c[0].GetIsolated() || !c[0].GetAllowed() || len(c) > 1 && c[1].GetIsolated() {
		t.Fatal(c)
	}
}

// What listens is found in the kernel's tables, with the address as people
// write it; connections, and sockets that are connected, do not listen.
func TestListeners(t *testing.T) {
	has := func(protocol string, a net.Addr) bool {
		host, port, err := net.SplitHostPort(a.String())
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(listeners("/proc/thread-self/net"), func(l *appliancepb.Listener) bool {
			return l.GetProtocol() == protocol && l.GetAddress() == host && strconv.Itoa(int(l.GetPort())) == port
		})
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	connected, err := net.Dial("udp4", u.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	if !has("tcp", l.Addr()) || !has("udp", u.LocalAddr()) || has("tcp", c.LocalAddr()) || has("udp", connected.LocalAddr()) {
		t.Fatalf("%v of %v, %v; not %v, %v", listeners("/proc/thread-self/net"), l.Addr(), u.LocalAddr(), c.LocalAddr(), connected.LocalAddr())
	}
	if err := l.Close(); err != nil || has("tcp", l.Addr()) {
		t.Fatal("a closed one listens")
	}
}

func TestSocketAddress(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90": "127.0.0.1:8080", "00000000000000000000000000000000:2912": "[::]:10514",
		"B80D0120000000000000000001000000:0050": "[2001:db8::1]:80",
	} {
		if a, ok := socketAddress(text); !ok || a.String() != want {
			t.Errorf("%s: %v %v, want %s", text, a, ok, want)
		}
	}
	for _, text := range []string{"", ":", "0100007F", "0100007F:10000", "01000:1", "zz:1", "01000000000000:1"} {
		if a, ok := socketAddress(text); ok {
			t.Errorf("%q: %v", text, a)
		}
	}
}
