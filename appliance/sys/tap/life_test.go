// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// attrs returns what the kernel says of an interface, nil if there is none.
func attrs(ns *testenv.Namespace, name string) (a *netlink.LinkAttrs) {
	_ = ns.Run(func() error {
		if l, err := netlink.LinkByName(name); err == nil {
			a = l.Attrs()
		}
		return nil
	})
	return a
}

func (k *rig) noted(text string) bool { return strings.Contains(strings.Join(k.d.Notes(), "; "), text) }

// troubled reports whether the interface could not be made again yet.
func (k *rig) troubled() bool {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	return k.d.trouble != nil
}

func TestInterfaceIsWhatWasAskedFor(t *testing.T) {
	o := options()
	o.MTU, o.Addresses, o.QueueLength = 9000, []string{"10.7.0.1/24", "10.8.0.1", "10.9.0.1/16"}, 333
	k := move(t, o)
	a := attrs(k.away, "tap7")
	if a == nil || attrs(k.home, "tap7") != nil {
		t.Fatal("the interface is not where it should be")
	}
	if a.MTU != 9000 || !bytes.Equal(a.HardwareAddr, mac) || a.TxQLen != 333 || a.Flags&1 == 0 || !k.d.Up() {
		t.Errorf("%+v", a)
	}
	var have []string
	k.away.Link("tap7", func(l netlink.Link) error {
		all, err := netlink.AddrList(l, netlink.FAMILY_V4)
		for _, a := range all {
			have = append(have, a.IPNet.String())
		}
		return err
	})
	if strings.Join(have, " ") != "10.7.0.1/24 10.8.0.1/32 10.9.0.1/16" {
		t.Errorf("addresses %q", have)
	}
	k.d.Close()
	k.d = nil
	if attrs(k.away, "tap7") != nil {
		t.Error("the interface outlived the device")
	}
}

func TestOpenErrors(t *testing.T) {
	k := move(t, options())
	k.away.Veth("cable", "other")
	inUse := Options{Name: "tap7", Where: netns.Target{Path: k.away.Path()}, Incoming: 1, Outgoing: 1}
	for _, c := range []struct {
		change func(*Options)
		code   int
		text   string
	}{
		{func(o *Options) { o.Name = "" }, errno.EINVAL, "is empty"},
		{func(o *Options) { o.Name = "sixteen-bytes-xx" }, errno.EINVAL, "has 16 bytes"},
		{func(o *Options) { o.Name = "a/b" }, errno.EINVAL, "must not contain"},
		{func(o *Options) { o.Name = "tap%d" }, errno.EINVAL, "must not contain"},
		{func(o *Options) { o.Name = ".." }, errno.EINVAL, "must not contain"},
		{func(o *Options) { o.Name = "a\x00b" }, errno.EINVAL, "must not contain"},
		{func(o *Options) { o.MTU = 67 }, errno.EINVAL, "mtu should be >= 68 and <= 65521: mtu 67"},
		{func(o *Options) { o.MTU = 65522 }, errno.EINVAL, "mtu 65522"},
		{func(o *Options) { o.CPUs = []int{0, -1} }, errno.EINVAL, "cpu[1]: -1"},
		{func(o *Options) { o.Addresses = []string{"10.0.0.1/24", "10.0.0.256/24"} }, errno.EINVAL, `address "10.0.0.256/24"`},
		{func(o *Options) { o.Addresses = []string{"10.0.0.1/33"} }, errno.EINVAL, `address "10.0.0.1/33"`},
		{func(*Options) {}, errno.EEXIST, "interface tap7 in network namespace " + k.away.Path() + ": exists already"},
		{func(o *Options) { o.Name = "cable" }, errno.EEXIST, "exists already"},
		{func(o *Options) { o.Persist = true }, errno.EBUSY, "is in use by another program"},
		{func(o *Options) { o.Name, o.Persist = "cable", true }, errno.EEXIST, "is of type veth"},
		{func(o *Options) { o.Name, o.Addresses = "tap8", []string{"10.7.0.1/24", "10.7.0.1/24"} }, errno.EEXIST, "address 10.7.0.1/24"},
		{func(o *Options) { o.Name, o.Addresses = "tap8", []string{"2001:db8::1/64"} }, errno.EACCES, "2001:db8::1/64: permission denied: IPv6 is turned off there"},
		{func(o *Options) { o.Name, o.MAC = "tap8", []byte{1, 0, 0, 0, 0, 1} }, int(unix.EADDRNOTAVAIL), "address 01:00:00:00:00:01"},
		{func(o *Options) { o.Where.Path = "/nowhere" }, errno.ENOENT, "/nowhere"},
	} {
		o := inUse
		c.change(&o)
		d, err := k.try(o)
		if err == nil {
			d.Close()
			t.Errorf("%+v was opened", o)
			continue
		}
		k.expect(err, c.code, c.text)
	}
	for _, ns := range []*testenv.Namespace{k.home, k.away} {
		if attrs(ns, "tap8") != nil {
			t.Error("an attempt that failed left its interface")
		}
	}
	var links []netlink.Link
	k.home.Do(func() (err error) { links, err = netlink.LinkList(); return err })
	if len(links) != 1 {
		t.Errorf("%d interfaces are left at home, want lo", len(links))
	}
}

// self is this test program, in a place where every user may start it.
func self(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "self")
	b, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(path, b, 0o755)
	}
	for d := dir; err == nil && d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		err = os.Chmod(d, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWithoutTheRights runs this very test as a user who may not.
func TestWithoutTheRights(t *testing.T) {
	if os.Getuid() != 0 {
		_, err := Open(options())
		if errno.Code(err) != errno.EPERM && errno.Code(err) != errno.EACCES {
			t.Fatalf("errno %d: %v", errno.Code(err), err)
		}
		fmt.Println("refused:", err)
		return
	}
	testenv.NeedFile(t, testenv.NoTun, cloneDevice)
	cmd := exec.Command(self(t), "-test.run", "^TestWithoutTheRights$")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "refused: ") {
		t.Fatalf("%v\n%s", err, out)
	}
	if st, err := os.Stat(cloneDevice); err == nil && st.Mode()&0o006 == 6 && !strings.Contains(string(out), "CAP_NET_ADMIN is needed") {
		t.Errorf("the capability is not named:\n%s", out)
	}
}

func TestLinkGoesDownAndComesBack(t *testing.T) {
	k := move(t, options())
	for range 3 {
		k.away.Up("tap7", false)
		testenv.Eventually(t, "the worker can sleep", func() bool { k.poll(); return !k.readable() })
		if k.send(frame(60, 1)) != 0 || k.d.Up() || !k.noted("it is down") {
			t.Errorf("down, but %q", k.d.Notes())
		}
		k.away.Up("tap7", true)
		exchange(k, 60)
	}
	if err := k.d.SetConf(0, nil, false); err != nil || k.d.Up() {
		t.Error("set down:", err)
	}
}

func TestSettings(t *testing.T) {
	k := move(t, options())
	other := []byte{2, 1, 2, 3, 4, 5}
	if err := k.d.SetConf(9000, other, true); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if a := attrs(k.away, "tap7"); a.MTU != 9000 || !bytes.Equal(a.HardwareAddr, other) || a.Flags&1 == 0 {
			t.Errorf("%+v", a)
		}
		k.expect(k.d.SetConf(65522, nil, true), errno.EINVAL, "mtu should be")
		k.expect(k.d.SetConf(1000, []byte{1, 0, 0, 0, 0, 1}, false), int(unix.EADDRNOTAVAIL), "interface tap7")
	}
	exchange(k, 9014)
	k.away.Delete("tap7")
	testenv.Eventually(t, "it is made again", func() bool { k.poll(); return k.noted("made again 1 times") })
	if a := attrs(k.away, "tap7"); a.MTU != 9000 || !bytes.Equal(a.HardwareAddr, other) || a.Flags&1 == 0 {
		t.Errorf("made again: %+v", a)
	}
}

func TestInterfaceIsDeletedAndMadeAgain(t *testing.T) {
	o := options()
	o.Incoming, o.Outgoing = 2, 2
	k := move(t, o)
	fd := k.d.WaitFD(0)
	for i := range 3 {
		exchange(k, 60)
		k.away.Delete("tap7")
		if !k.readable() {
			t.Error("a sleeping worker is not woken")
		}
		if i == 0 {
			k.poll() // the worker that receives notices
		} else {
			testenv.Eventually(t, "the worker that sends notices", func() bool { k.send(frame(60, 1)); return k.d.gone.Load() || k.noted("made again") })
		}
		testenv.Eventually(t, "it is made again", func() bool { return k.noted(fmt.Sprintf("made again %d times", i+1)) })
		if k.d.WaitFD(0) != fd {
			t.Error("the descriptor to wait for has changed")
		}
	}
	exchange(k, 60)
	testenv.Eventually(t, "the worker can sleep", func() bool { k.poll(); return !k.readable() })
}

func TestNameIsTakenMeanwhile(t *testing.T) {
	k := move(t, options())
	k.away.Delete("tap7")
	k.away.Veth("tap7", "other")
	testenv.Eventually(t, "the trouble is noted", func() bool { k.poll(); return k.noted("it could not be made again yet: interface tap7") })
	if k.readable() || k.send(frame(60, 1)) != 0 || k.d.Up() || k.d.SetConf(1400, nil, true) == nil {
		t.Error("there is no device to use")
	}
	k.away.Delete("tap7")
	testenv.Eventually(t, "it is made again", func() bool { return k.noted("made again 1 times") })
	exchange(k, 60)
	if k.noted("could not") {
		t.Errorf("%q", k.d.Notes())
	}
}

func TestRenamedInterfaceStays(t *testing.T) {
	k := move(t, options())
	k.away.Link("tap7", func(l netlink.Link) error {
		if err := netlink.LinkSetDown(l); err != nil {
			return err
		}
		if err := netlink.LinkSetName(l, "other"); err != nil {
			return err
		}
		return netlink.LinkSetUp(l)
	})
	if !k.d.Up() || !k.noted("it is called other now") {
		t.Errorf("%q", k.d.Notes())
	}
	if err := k.d.SetConf(1400, nil, true); err != nil || attrs(k.away, "other").MTU != 1400 {
		t.Error("settings:", err)
	}
	k.d.o.Name = "other" // where the rig looks
	exchange(k, 60)
}

func TestInterfaceMovesOn(t *testing.T) {
	k := move(t, options())
	third := testenv.Netns(t)
	ns, err := netns.Target{Path: third.Path()}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	k.away.Link("tap7", func(l netlink.Link) error { return netlink.LinkSetNsFd(l, ns.FD()) })
	if err := k.d.SetConf(1400, nil, true); err != nil || attrs(third, "tap7").MTU != 1400 {
		t.Error("settings:", err)
	}
	k.away = third
	exchange(k, 60)
}

// TestNamespaceEnds deletes the namespace under the interface; when there is
// one of its name again, so is the interface.
func TestNamespaceEnds(t *testing.T) {
	testenv.NeedNetns(t)
	name := fmt.Sprintf("bess-tap-%d", os.Getpid())
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %q: %v\n%s", args, err, out)
		}
	}
	if _, err := exec.LookPath("ip"); err != nil {
		testenv.Skip(t, testenv.NoProgram, "ip")
	}
	ip("netns", "add", name)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	o := options()
	o.Where, o.Addresses = netns.Target{Path: name}, []string{"10.7.0.1/24"}
	testenv.NoLeaks(t)
	home := testenv.Netns(t)
	k := newRig(t, o, home, home)
	ip("netns", "del", name)
	// Not by Notes: it looks into the namespace, and who does that all the time
	// keeps it.
	testenv.Eventually(t, "the end is noticed", func() bool { k.poll(); return k.troubled() })
	if !k.noted("it could not be made again yet") {
		t.Errorf("%q", k.d.Notes())
	}
	if k.readable() || k.send(frame(60, 1)) != 0 || k.d.Dropped() != 0 {
		t.Error("there is no device to use")
	}
	ip("netns", "add", name)
	testenv.Eventually(t, "it is made again", func() bool { return k.noted("made again 1 times") })
	out, err := exec.Command("ip", "-n", name, "addr", "show", "tap7").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "10.7.0.1/24") || !strings.Contains(string(out), mac.String()) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPersistentInterface(t *testing.T) {
	o := options()
	o.Persist, o.Incoming, o.Outgoing = true, 2, 2
	k := move(t, o)
	for i := range 2 {
		index := attrs(k.away, "tap7").Index
		k.away.Address("tap7", fmt.Sprintf("10.7.%d.1/24", i))
		exchange(k, 60)
		k.d.Close()
		if k.d = nil; attrs(k.away, "tap7") == nil {
			t.Fatal("the interface did not stay")
		}
		single := o
		single.Where, single.Incoming = netns.Target{Path: k.away.Path()}, 1
		_, err := k.try(single)
		k.expect(err, errno.EINVAL, "no TAP device with that kind of queues")
		o.Where = single.Where
		d, err := k.try(o)
		if err != nil {
			t.Fatal(err)
		}
		if k.d = d; attrs(k.away, "tap7").Index != index {
			t.Error("it is another interface")
		}
	}
	exchange(k, 1514)
}

// TestPacketsAreSteered runs itself in a network namespace with a /sys of its
// own, and looks at the masks of the queues there.
func TestPacketsAreSteered(t *testing.T) {
	testenv.NeedFile(t, testenv.NoKernel, "/sys/class/net/lo/queues/rx-0/rps_cpus")
	testenv.NeedNetns(t)
	if os.Getenv("BESS_TEST_STEER") == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run", "^TestPacketsAreSteered$")
		cmd.Env = append(os.Environ(), "BESS_TEST_STEER=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	mount := func(dir string) error { return unix.Mount("sysfs", dir, "sysfs", 0, "") }
	err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, "")
	if err == nil {
		err = mount("/sys")
	}
	if err != nil {
		t.Fatal(err)
	}
	away := testenv.Netns(t)
	for _, where := range []netns.Target{{}, {Path: away.Path()}} {
		o := options()
		o.Incoming, o.Outgoing, o.CPUs, o.Where = 2, 4, []int{0, 1, 1, 1}, where
		d, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		dir := "/sys"
		if where.Path != "" {
			dir = t.TempDir()
			away.Do(func() error { return mount(dir) })
			defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
		}
		for i, want := range []string{"3", "2"} {
			b, err := os.ReadFile(fmt.Sprintf("%s/class/net/tap7/queues/rx-%d/rps_cpus", dir, i))
			if have := strings.TrimLeft(strings.TrimSpace(string(b)), "0,"); err != nil || have != want {
				t.Errorf("queue %d of %v: mask %q, want %s: %v %q", i, where, have, want, err, d.Notes())
			}
		}
		d.Close()
	}
	o := options()
	o.CPUs = []int{maxCPU}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if !strings.Contains(strings.Join(d.Notes(), "; "), "does not steer packets") {
		t.Errorf("a CPU that does not exist: %q", d.Notes())
	}
}

func FuzzFinish(f *testing.F) {
	k := &rig{t: f}
	k.newPool(256)
	in := inQueue{over: make([]byte, 65535), large: true}
	for _, n := range []int{0, 9, 10, 11, 70, 1930, 1931, 65535} {
		f.Add([]byte{1, 0, 0, 0, 0, 0, 34, 0, 6, 0}, n)
		f.Add([]byte{1, 1, 0, 0, 255, 255, 255, 255, 255, 255}, n)
	}
	f.Fuzz(func(t *testing.T, head []byte, n int) {
		p := k.c.Alloc()
		p.Init(room)
		p.Prepend(headerSize)
		copy(p.Bytes(), head)
		n &= 0xffff
		if in.finish(k.c, p, in.over, n) && p.TotalLen() != n-headerSize {
			t.Errorf("%d bytes, want %d", p.TotalLen(), n-headerSize)
		}
		k.c.Free(p)
	})
}

// While a container is looked for again, and docker hangs, everything else goes
// on: settings, counters, and the end.
func TestContainerIsLookedForAgain(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, cloneDevice)
	testenv.NoLeaks(t)
	home, away := testenv.Netns(t), testenv.Netns(t)
	cmd := exec.Command("sleep", "60") // stands for a container
	away.Do(cmd.Start)
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	docker := testenv.Docker(t, cmd.Process.Pid)
	o := options()
	o.Where = netns.Target{Container: "web"}
	k := newRig(t, o, home, away)
	docker.Hang()
	away.Delete("tap7")
	k.d.look()
	docker.AwaitCall()
	k.expect(k.d.SetConf(1400, nil, true), errno.ENODEV, "is gone")
	if k.noted("made again") || k.d.Dropped() != 0 {
		t.Errorf("%q", k.d.Notes())
	}
	docker.Free()
	testenv.Eventually(t, "the interface is made again", func() bool { return k.noted("made again 1 times") })
	docker.Hang()
	away.Delete("tap7")
	k.d.look()
	docker.AwaitCall()
	k.d.Close() // or the test ends with docker still there
	k.d = nil
}
