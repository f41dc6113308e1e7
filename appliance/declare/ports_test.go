// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

const twoQueues = `
  ports:
    p: {driver: UnixSocketPort, args: {path: /tmp/p}, numIncQ: 2}
  modules:
    a: {class: QueueInc, args: {port: p, qid: %A}}
    b: {class: QueueInc, args: {port: p, qid: %B}}
    out: {class: Sink}
  links: [a -> out, b -> out]
`

// Two modules that exchange their queues cannot be updated one after the
// other.
func TestModulesExchangeQueues(t *testing.T) {
	w := newWorld(t)
	w.apply(replace(twoQueues, "%A", "0", "%B", "1"))
	w.same(w.apply(replace(twoQueues, "%A", "1", "%B", "0")), lines(
		"rebuild module a [traffic-affecting] module b takes its queue",
		"rebuild module b [traffic-affecting] module a takes its queue"))
}

// All queues of a port go from two modules to one, and back.
func TestQueuesAreJoinedAndSplit(t *testing.T) {
	w := newWorld(t)
	split := replace(twoQueues, "%A", "0", "%B", "1")
	joined := replace(twoQueues, "{class: QueueInc, args: {port: p, qid: %A}}", "{class: PortInc, args: {port: p}}",
		"    b: {class: QueueInc, args: {port: p, qid: %B}}\n", "", ", b -> out", "")
	w.apply(split)
	w.same(w.apply(joined), lines(
		"delete module b [traffic-affecting] class QueueInc",
		"rebuild module a [traffic-affecting] class QueueInc -> PortInc"))
	w.same(w.apply(split), lines(
		"rebuild module a [traffic-affecting] class PortInc -> QueueInc",
		"create module b [none] class QueueInc",
		"connect link b:0 -> 0:out [none]"))
}

// A port under a new name needs the device of the old one.
func TestPortIsRenamed(t *testing.T) {
	w := newWorld(t)
	spec := replace(twoQueues, "%A", "0", "%B", "1")
	w.apply(spec)
	w.same(w.apply(replace(spec, "    p:", "    eth0:", "port: p", "port: eth0")), lines(
		"delete port p [traffic-affecting] driver UnixSocketPort",
		"create port eth0 [none] driver UnixSocketPort",
		"rebuild module a [traffic-affecting] its port is replaced",
		"rebuild module b [traffic-affecting] its port is replaced"))
	if w.dev.opens != 2 || w.dev.open["/tmp/p"] != 1 {
		t.Errorf("opened %d times, open %v", w.dev.opens, w.dev.open)
	}
}

// A port that stays is not touched, whatever happens around it.
func TestPortStaysOpen(t *testing.T) {
	w := newWorld(t)
	spec := replace(twoQueues, "%A", "0", "%B", "1")
	w.apply(spec)
	w.same(w.apply(replace(spec, ", numIncQ: 2", "")), "")
	w.same(w.apply(replace(spec, "/tmp/p}", "/tmp/p}, numOutQ: 1, sizeIncQ: 1024")), "")
	w.apply("  ports:\n    p: {driver: UnixSocketPort, args: {path: /tmp/p}}\n")
	if w.dev.opens != 1 {
		t.Errorf("opened %d times", w.dev.opens)
	}
	w.same(w.apply("  ports:\n    p: {driver: UnixSocketPort, args: {path: /tmp/p}, numIncQ: 3, sizeOutQ: 512}\n"),
		"rebuild port p [traffic-affecting] numIncQ: 2 -> 3, sizeOutQ: 1024 -> 512\n")
}

// A driver that cannot do what is declared would be asked again for ever.
func TestPortWithOtherQueuesThanDeclared(t *testing.T) {
	w := newWorld(t)
	w.apply(basic)
	_, err := declare.Apply(w.e, w.validate("  ports:\n    p: {driver: UnixSocketPort, args: {path: /tmp/p}, numOutQ: 9}\n"), w.cat, 0)
	if err == nil {
		t.Fatal("no error")
	}
	w.same(err.Error(), "p.yaml:5:64: error: port p: numOutQ: 9: the device has 4 (declare that, or leave it out)")
	w.quiet(basic)
	if w.dev.open["/tmp/p"] != 0 {
		t.Errorf("open %v", w.dev.open)
	}
}

// The driver's error is that of the port, at the field it names.
func TestPortThatCannotBeOpened(t *testing.T) {
	w := newWorld(t)
	_, err := declare.Apply(w.e, w.validate("  ports:\n    p: {driver: UnixSocketPort, args: {path: /tmp/p}}\n    q: {driver: UnixSocketPort, args: {path: /tmp/p}}\n"), w.cat, 0)
	if err == nil {
		t.Fatal("no error")
	}
	w.same(err.Error(), `p.yaml:6:46: error: port q: args.path: "/tmp/p": in use`)
	if s := w.e.State(); len(s.Ports) != 0 || w.dev.open["/tmp/p"] != 0 {
		t.Errorf("ports %v, open %v", s.Ports, w.dev.open)
	}
}

// A change that is refused after the port's other device was opened has not
// closed the one in use: no packet is lost for nothing.
func TestRefusedReplacementLeavesThePort(t *testing.T) {
	const spec = `
  ports:
    p: {driver: UnixSocketPort, args: {path: %P}}
  modules:
    rx: {class: PortInc, args: {port: p}}
    f: {class: Failing, args: {pkt_size: %S}}
    out: {class: Sink}
  links: [rx -> f, f -> out]
`
	w := newWorld(t)
	before := replace(spec, "%P", "/tmp/p", "%S", "60")
	w.apply(before)
	port := w.e.Port("p")
	w.fail = true
	if _, err := declare.Apply(w.e, w.validate(replace(spec, "%P", "/tmp/q", "%S", "61")), w.cat, 0); err == nil {
		t.Fatal("no error")
	}
	w.quiet(before)
	if w.e.Port("p") != port || w.dev.opens != 2 || w.dev.open["/tmp/p"] != 1 || w.dev.open["/tmp/q"] != 0 {
		t.Errorf("opened %d times, open %v", w.dev.opens, w.dev.open)
	}
	// The same device cannot be opened twice: it is closed and opened again.
	if _, err := declare.Apply(w.e, w.validate(replace(spec, "%P}", "/tmp/p, min_rx_interval_ns: 7}", "%S", "61")), w.cat, 0); err == nil {
		t.Fatal("no error")
	}
	w.quiet(before)
	if w.dev.opens != 4 || w.dev.open["/tmp/p"] != 1 {
		t.Errorf("opened %d times, open %v", w.dev.opens, w.dev.open)
	}
	w.fail = false
	w.same(w.apply(replace(spec, "%P", "/tmp/q", "%S", "60")), lines(
		`rebuild port p [traffic-affecting] path: "/tmp/p" -> "/tmp/q"`,
		"rebuild module rx [traffic-affecting] its port is replaced"))
	if w.dev.opens != 5 || w.dev.open["/tmp/p"] != 0 || w.dev.open["/tmp/q"] != 1 {
		t.Errorf("opened %d times, open %v", w.dev.opens, w.dev.open)
	}
}

// Two ports that exchange their devices cannot be opened before they are
// closed.
func TestPortsExchangeDevices(t *testing.T) {
	const spec = "  ports:\n    p: {driver: UnixSocketPort, args: {path: /tmp/%P}}\n    q: {driver: UnixSocketPort, args: {path: /tmp/%Q}}\n"
	w := newWorld(t)
	w.apply(replace(spec, "%P", "p", "%Q", "q"))
	w.apply(replace(spec, "%P", "q", "%Q", "p"))
	if w.dev.opens != 4 || w.dev.open["/tmp/p"] != 1 || w.dev.open["/tmp/q"] != 1 {
		t.Errorf("opened %d times, open %v", w.dev.opens, w.dev.open)
	}
}

// What a driver has to wait for before it can open a port, others need not wait
// for, and a port that stays is not asked about.
func TestPortsArePreparedWhileOthersGoOn(t *testing.T) {
	const spec = "  ports:\n    p: {driver: UnixSocketPort, args: {path: /tmp/p}}\n"
	w := newWorld(t)
	w.apply(spec)
	w.apply(basic)
	w.dev.asked, w.dev.answer = make(chan struct{}), make(chan struct{})
	before := w.dev.prepared
	p := w.validate(spec + "    q: {driver: UnixSocketPort, args: {path: /tmp/q}}\n")
	applied := make(chan error, 1)
	go func() {
		_, err := declare.Apply(w.e, p, w.cat, 0)
		applied <- err
	}()
	w.apply("  modules: {}\n") // takes p away: the plan is another one then
	for range 2 {
		<-w.dev.asked
		if n := len(w.e.ListPorts()); n > 0 {
			t.Errorf("%d ports before all are prepared", n)
		}
		w.dev.answer <- struct{}{}
	}
	if err := <-applied; err != nil {
		t.Error(err)
	}
	if n := len(w.e.ListPorts()); n != 2 || w.dev.prepared != before+2 || w.dev.open["/tmp/q"] != 1 {
		t.Errorf("%d ports, prepared %d times, open %v", n, w.dev.prepared-before, w.dev.open)
	}
}
