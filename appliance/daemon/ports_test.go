// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// host is a namespace with bessd, its operator's tool, and a cable.
type host struct {
	ns    *testenv.Namespace
	state string
}

// tool returns the path of bessctl, buildTool builds it once.
func tool() string { return filepath.Join(filepath.Dir(binary), "bessctl") }

var buildTool = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", tool(), "../cmd/bessctl").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build bessctl: %w\n%s", err, out)
	}
	return nil
})

func newHost(t *testing.T) *host {
	t.Helper()
	if err := buildTool(); err != nil {
		t.Fatal(err)
	}
	h := &host{ns: testenv.Netns(t), state: filepath.Join(t.TempDir(), "state")}
	h.ns.Veth("near", "far")
	return h
}

// daemon starts a bessd in the namespace.
func (h *host) daemon(t *testing.T) *proc {
	t.Helper()
	var p *proc
	h.ns.Do(func() error { p = launch(t, "-state_dir", h.state); return nil })
	p.dial()
	return p
}

// bessctl runs the tool against a daemon.
func (h *host) bessctl(p *proc, args ...string) (string, error) {
	out, err := exec.Command(tool(), append([]string{"--address", p.url}, args...)...).CombinedOutput()
	return string(out), err
}

func (h *host) apply(p *proc, spec string) (string, error) {
	file := filepath.Join(p.dir, "p.yaml")
	text := "apiVersion: bess.dev/v1\nkind: Pipeline\nspec:\n" + spec
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	return h.bessctl(p, "apply", file)
}

// mustApply is apply of what must be accepted.
func (h *host) mustApply(t *testing.T, p *proc, spec string) {
	t.Helper()
	if out, err := h.apply(p, spec); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// shown is what bessctl shows of a port.
type shown struct {
	Notes   []string
	MTU     int
	In, Out struct{ Packets, Dropped uint64 }
}

func (h *host) show(p *proc, port string) shown {
	p.t.Helper()
	var list []shown
	out, err := h.bessctl(p, "show", "port", port, "-o", "json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &list)
	}
	if err != nil || len(list) != 1 {
		p.t.Fatalf("%v\n%s", err, out)
	}
	return list[0]
}

func (h *host) mtu(name string) (mtu int) {
	h.ns.Link(name, func(l netlink.Link) error { mtu = l.Attrs().MTU; return nil })
	return mtu
}

const realCapture = "../../examples/acl/traffic.pcap"

// A recording crosses a ring, a cable and two ports, and ends as two files.
func TestPortsOfARealDaemon(t *testing.T) {
	h := newHost(t)
	p := h.daemon(t)
	dir := t.TempDir()
	capture, err := filepath.Abs(realCapture)
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.apply(p, fmt.Sprintf(`
  ports:
    file: {driver: PcapFilePort, args: {read: {path: %q, packets_per_second: 5000}, write: {path: %q, format: pcapng, rotate_packets: 600}}}
    east: {driver: RingPort, args: {ring: r}}
    west: {driver: RingPort, args: {ring: r}}
    near: {driver: AFPacketPort, args: {interface: near}, numIncQ: 2, numOutQ: 2}
    far: {driver: PMDPort, args: {vdev: "net_af_packet0,iface=far"}}
    zero: {driver: NullPort, args: {silent: true}}
  modules:
    play: {class: PortInc, args: {port: file}}
    into: {class: PortOut, args: {port: east}}
    outof: {class: PortInc, args: {port: west}}
    send: {class: PortOut, args: {port: near}}
    recv: {class: PortInc, args: {port: far}}
    twice: {class: Replicate, args: {gates: [0, 1]}}
    save: {class: PortOut, args: {port: file}}
    lose: {class: PortOut, args: {port: zero}}
  links:
    - play -> into
    - outof -> send
    - recv -> twice
    - twice:0 -> save
    - twice:1 -> lose
`, capture, dir+"/x.pcapng"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	testenv.Eventually(t, "all of the recording is written", func() bool { return h.show(p, "file").Out.Packets == 1097 })
	s := h.show(p, "near")
	if n := strings.Join(s.Notes, "\n"); s.Out.Packets != 1097 || !strings.Contains(n, "incoming queue 1: ") || !strings.Contains(n, "outgoing queue 0: 1097 packets") {
		t.Errorf("%+v", s)
	}
	for port, want := range map[string]uint64{"east": 1097, "zero": 1097} {
		if s := h.show(p, port); s.Out.Packets != want || s.Out.Dropped != 0 {
			t.Errorf("%s: %+v", port, s)
		}
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait()
	files, err := filepath.Glob(dir + "/*")
	if err != nil || len(files) != 2 || !strings.HasSuffix(files[1], "x-000002.pcapng") {
		t.Error(files, err)
	}
}

// The second daemon is told who has the interface; what a killed one changed
// is undone by the next.
func TestTwoDaemonsOnOneInterface(t *testing.T) {
	h := newHost(t)
	first := h.daemon(t)
	h.mustApply(t, first, "  ports: {p: {driver: AFPacketPort, args: {interface: near}}}\n")
	r, err := api.NewBESSControlClient(first.dial()).SetPortConf(context.Background(),
		&api.SetPortConfRequest{Name: "p", Conf: &api.PortConf{MacAddr: "00:00:00:00:00:00", Mtu: 1400, AdminUp: true}})
	if err != nil || r.GetError().GetCode() != 0 {
		t.Fatal(r, err)
	}
	if h.mtu("near") != 1400 || h.show(first, "p").MTU != 1400 {
		t.Error("the MTU is not that of the interface")
	}
	second := h.daemon(t)
	out, err := h.apply(second, "  ports: {q: {driver: AFPacketPort, args: {interface: near}}}\n")
	if err == nil || !strings.Contains(out, fmt.Sprintf(`interface "near": is in use by port p of process %d (bessd)`, first.cmd.Process.Pid)) {
		t.Errorf("%v\n%s", err, out)
	}
	_ = first.cmd.Process.Kill()
	first.wait()
	if h.mtu("near") != 1400 {
		t.Error("undone by itself")
	}
	third := h.daemon(t)
	if h.mtu("near") != 1500 || !strings.Contains(third.log.String(), "near") {
		t.Errorf("not undone:\n%s", third.log)
	}
}

// Daemons need not know of each other: who shares nothing but the interface is
// told as well, and has it at once when the first is killed.
func TestTwoDaemonsWithStateOfTheirOwn(t *testing.T) {
	h := newHost(t)
	other := &host{ns: h.ns, state: filepath.Join(t.TempDir(), "other")}
	first, second := h.daemon(t), other.daemon(t)
	ports := func(driver, name string) string {
		return fmt.Sprintf("  ports: {%s: {driver: %s, args: {%s: near}}}\n", name, driver, map[string]string{"AFPacketPort": "interface", "AFXDPPort": "ifname"}[driver])
	}
	for _, driver := range []string{"AFPacketPort", "AFXDPPort"} {
		h.mustApply(t, first, ports(driver, "p"))
		for _, taken := range []string{"AFPacketPort", "AFXDPPort"} {
			out, err := other.apply(second, ports(taken, "q"))
			want := fmt.Sprintf(`interface "near": is in use by port p of process %d (bessd) of user root: remove that port or end that process, or use another interface`, first.cmd.Process.Pid)
			if err == nil || !strings.Contains(out, want) {
				t.Errorf("%v\n%s", err, out)
			}
		}
	}
	out, err := h.apply(first, "  ports: {p: {driver: AFXDPPort, args: {ifname: near}}, r: {driver: AFPacketPort, args: {interface: near}}}\n")
	if err == nil || !strings.Contains(out, `interface "near": is in use by port p: remove that port or use another interface`) {
		t.Errorf("%v\n%s", err, out)
	}
	_ = first.cmd.Process.Kill()
	first.wait()
	if out, err := other.apply(second, ports("AFXDPPort", "q")); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A daemon whose ports are idle uses no processor time to speak of.
func TestIdlePorts(t *testing.T) {
	h := newHost(t)
	p := h.daemon(t)
	h.mustApply(t, p, `
  ports:
    near: {driver: AFPacketPort, args: {interface: near}, numIncQ: 2}
    loop: {driver: RingPort}
  modules:
    a: {class: PortInc, args: {port: near}}
    b: {class: PortInc, args: {port: loop}}
    out: {class: Sink}
  links: [a -> out, b -> out]
`)
	time.Sleep(200 * time.Millisecond)
	before := p.cpu()
	time.Sleep(time.Second)
	// The bound is far from the few milliseconds that it takes, and far from
	// the second that polling would.
	if used := p.cpu() - before; used > 300*time.Millisecond {
		t.Errorf("%s of processor time in a second", used)
	}
}

// A worker whose ports are busy never sleeps.
func TestBusyPorts(t *testing.T) {
	h := newHost(t)
	p := h.daemon(t)
	h.mustApply(t, p, `
  ports:
    near: {driver: AFPacketPort, args: {interface: near}}
    far: {driver: AFPacketPort, args: {interface: far}}
  modules:
    make: {class: Source}
    send: {class: PortOut, args: {port: near}}
    recv: {class: PortInc, args: {port: far}}
    lose: {class: Sink}
  links: [make -> send, recv -> lose]
`)
	received := func() uint64 { return h.show(p, "far").In.Packets }
	testenv.Eventually(t, "packets arrive", func() bool { return received() > 1000 })
	earlier, begun := p.threads(), received()
	testenv.Eventually(t, "many more arrive", func() bool { return received() > begun+20000 })
	// The worker is the thread that has run most meanwhile. The kernel and Go's
	// runtime have it wait now and then. A worker that slept between batches
	// would do so every 32 packets.
	var worker thread
	for id, now := range p.threads() {
		if ran := now.ran - earlier[id].ran; ran > worker.ran {
			worker = thread{ran, now.slept - earlier[id].slept}
		}
	}
	if came := received() - begun; worker.slept > came/1000 {
		t.Errorf("the worker has slept %d times while %d packets came", worker.slept, came)
	}
}

// thread is what a thread has done so far: nanoseconds it has run, and how
// often it has gone to sleep.
type thread struct{ ran, slept uint64 }

// threads returns those of the process.
func (p *proc) threads() map[string]thread {
	p.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	all := map[string]thread{}
	for _, task := range tasks {
		ran, err := os.ReadFile(filepath.Join(task, "schedstat"))
		status, err2 := os.ReadFile(filepath.Join(task, "status"))
		if err != nil || err2 != nil {
			continue // it has ended
		}
		var h thread
		_, slept, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		_, err = fmt.Sscan(string(ran), &h.ran)
		if _, err2 := fmt.Sscan(slept, &h.slept); err != nil || err2 != nil {
			p.t.Fatal(err, err2)
		}
		all[task] = h
	}
	return all
}

// cpu returns the processor time the process has used.
func (p *proc) cpu() time.Duration {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')'):]))
	var user, system int64
	if _, err := fmt.Sscan(f[12]+" "+f[11], &system, &user); err != nil {
		p.t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
