// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

func TestNameIsTakenMeanwhile(t *testing.T) {
	k := newRig(t, options())
	// As a program of the host does that is faster than the device.
	k.away.Link("far0", func(l netlink.Link) error {
		if err := netlink.LinkSetDown(l); err != nil {
			return err
		}
		return netlink.LinkSetName(l, "old")
	})
	k.away.Veth("far0", "other")
	k.away.Delete("old")
	testenv.Eventually(t, "the trouble is noted", func() bool {
		return k.noted("it could not be made again yet: interface far0: exists already")
	})
	if attrs(k.home, "near0") != nil {
		t.Error("half a cable is there")
	}
	k.away.Delete("far0")
	k.remade(1)
	k.exchange(60)
}

// TestNamespaceEnds deletes the namespace of the far end, and the cable with
// it; when there is one of its name again, so is the cable.
func TestNamespaceEnds(t *testing.T) {
	testenv.NeedNetns(t)
	if _, err := exec.LookPath("ip"); err != nil {
		testenv.Skip(t, testenv.NoProgram, "ip")
	}
	name := fmt.Sprintf("bess-veth-%d", os.Getpid())
	ip := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("ip %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	ip("netns", "add", name)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	o := options()
	o.Where = netns.Target{Path: name}
	k := newRig(t, o)
	ip("netns", "del", name)
	testenv.Eventually(t, "the trouble is noted", func() bool { return k.noted("it could not be made again yet: /run/netns/" + name) })
	if attrs(k.home, "near0") != nil || k.d.Link().Up {
		t.Error("half a cable is there")
	}
	ip("netns", "add", name)
	k.remade(1)
	if out := ip("-n", name, "addr", "show", "far0"); !strings.Contains(out, "10.7.0.1/24") || !strings.Contains(out, farMAC.String()) {
		t.Error(out)
	}
}

// other starts another process that makes a cable from home to away.
type other struct {
	t   *testing.T
	cmd *exec.Cmd
	out *bufio.Reader
	dir string
}

func startOther(t *testing.T, home, away *testenv.Namespace) *other {
	t.Helper()
	o := launchOther(t, home, away)
	o.says("result: <nil>")
	return o
}

// launchOther is startOther that does not wait for the cable.
func launchOther(t *testing.T, home, away *testenv.Namespace) *other {
	t.Helper()
	o := &other{t: t, dir: t.TempDir(), cmd: exec.Command("/proc/self/exe")}
	o.cmd.Env = append(os.Environ(), dirEnv+"="+o.dir, whereEnv+"="+away.Path())
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	o.out = bufio.NewReader(out)
	home.Do(o.cmd.Start) // a child is born in the namespace of its parent's thread
	t.Cleanup(o.kill)
	return o
}

func (o *other) kill() { _ = o.cmd.Process.Kill(); _ = o.cmd.Wait() }

func (o *other) says(want string) {
	o.t.Helper()
	if line, err := o.out.ReadString('\n'); err != nil || line != want+"\n" {
		o.t.Fatalf("%q, %v; want %q", line, err, want)
	}
}

// recover does what a daemon does when it starts.
func (o *other) recover(home *testenv.Namespace) (undone []string) {
	home.Do(func() (err error) { r, err := hostif.Recover(o.dir); undone = r.Undone; return err })
	return undone
}

// The cable of a process that was killed is removed by the next one: the first
// it made, and one that it had to make again.
func TestCableOfAKilledProcessIsRemoved(t *testing.T) {
	testenv.NeedNetns(t)
	for _, again := range []bool{false, true} {
		home, away := testenv.Netns(t), testenv.Netns(t)
		o := startOther(t, home, away)
		if again {
			away.Delete("far0")
			o.says("again")
		}
		if undone := o.recover(home); len(undone) > 0 || attrs(home, "near0") == nil || attrs(away, "far0") == nil {
			t.Errorf("the cable of a process that lives was touched: %q", undone)
		}
		o.kill()
		if attrs(home, "near0") == nil {
			t.Fatal("the kernel removed the cable; nothing is left to test")
		}
		undone := o.recover(home)
		if len(undone) != 1 || undone[0] != "near0: created" || attrs(home, "near0") != nil || attrs(away, "far0") != nil {
			t.Errorf("made again: %t: %q", again, undone)
		}
	}
}

// However short a cable exists when its process is killed, it is removed.
func TestProcessIsKilledWhileItMakesACable(t *testing.T) {
	testenv.NeedNetns(t)
	home, away := testenv.Netns(t), testenv.Netns(t)
	for round := range 24 {
		updates, stop := make(chan netlink.LinkUpdate, 100), make(chan struct{})
		home.Do(func() error { return netlink.LinkSubscribe(updates, stop) })
		o := launchOther(t, home, away)
		for u := range updates {
			if u.Attrs().Name == "near0" {
				break
			}
		}
		time.Sleep(time.Duration(round/2) * 100 * time.Microsecond)
		o.kill()
		close(stop)
		for range updates { // until the subscription has ended
		}
		undone := o.recover(home)
		if n := len(links(home.Do)) + len(links(away.Do)); n != 2 || len(undone) != 1 {
			t.Fatalf("round %d: %q; %d interfaces are left, want lo twice", round, undone, n)
		}
		if left, _ := os.ReadDir(o.dir); len(left) > 0 {
			t.Errorf("round %d: left behind: %v", round, left)
		}
	}
}

// Who makes a cable of the same names in the place of a process that was killed
// gets it after the recovery.
func TestNamesAreFreeAfterRecovery(t *testing.T) {
	k := newRig(t, options())
	k.end()
	o := startOther(t, k.home, k.away)
	again := options()
	again.Where.Path = k.away.Path()
	if d, err := k.try(again); err == nil {
		d.Close()
		t.Fatal("two processes have a cable of the same names")
	}
	o.kill()
	o.recover(k.home)
	d, err := k.try(again)
	if err != nil {
		t.Fatal(err)
	}
	k.d = d
	k.exchange(60)
}

// While a container is looked for again, and docker hangs, everything else goes
// on: settings, counters, and the end. Settings do not ask for it at all.
func TestContainerIsLookedForAgain(t *testing.T) {
	testenv.NeedNetns(t)
	testenv.NoLeaks(t)
	away := testenv.Netns(t)
	cmd := exec.Command("sleep", "60") // stands for a container
	away.Do(cmd.Start)
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	docker := testenv.Docker(t, cmd.Process.Pid)
	o := options()
	o.Where = netns.Target{Container: "web"}.Find(t.Context())
	k := newRig(t, o)
	docker.Hang()
	if err := k.d.SetConf(1400, nil, true); err != nil {
		t.Error(err)
	}
	away.Delete("far0")
	docker.AwaitCall()
	if err := k.d.SetConf(1300, nil, true); err == nil {
		t.Error("a cable that is gone has got an MTU")
	}
	if k.noted("made again") {
		t.Errorf("%q", k.d.Notes())
	}
	docker.Free()
	k.remade(1)
	docker.Hang()
	away.Delete("far0")
	docker.AwaitCall()
	k.end() // or the test ends with docker still there
}
