// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// refused wants an interface to be in use, and the error to say all of that.
func refused(t *testing.T, ns *testenv.Namespace, name string, says ...string) {
	t.Helper()
	i, err := try(ns, name, Options{Port: "mine"})
	if err == nil {
		i.Close()
	}
	if errno.Code(err) != errno.EBUSY {
		t.Errorf("errno %d: %v", errno.Code(err), err)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%v: does not say %q", err, s)
		}
	}
}

// Processes that share nothing but the interface see each other, and whoever is
// killed has nothing any more, at once.
func TestStateDirectoriesDoNotMatter(t *testing.T) {
	ns := stage(t)
	p, kill := otherWith(t, ns, "near", t.TempDir())
	for range 3 { // each who asks is told
		refused(t, ns, "near", fmt.Sprintf(`interface "near": is in use by port theirs of process %d (exe) of user root`, p.Pid), "remove that port or end that process")
	}
	claim(t, ns, "far", Options{Port: "mine"}).Close() // is free
	kill()
	claim(t, ns, "near", Options{Port: "mine"})
}

// A process that does not answer is named all the same.
func TestOwnerDoesNotAnswer(t *testing.T) {
	ns := stage(t)
	p, _ := otherWith(t, ns, "near", t.TempDir())
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Wait4(p.Pid, nil, syscall.WUNTRACED, nil); err != nil { // until it has stopped
		t.Fatal(err)
	}
	refused(t, ns, "near", fmt.Sprintf("is in use by process %d (exe) of user root, which names no port", p.Pid))
}

// The same index in another namespace is another interface.
func TestNamespacesDoNotDisturbEachOther(t *testing.T) {
	a, b := stage(t), testenv.Netns(t)
	b.Veth("near", "far")
	indexes := [2]int{}
	for n, ns := range []*testenv.Namespace{a, b} {
		ns.Link("near", func(l netlink.Link) error { indexes[n] = l.Attrs().Index; return nil })
	}
	if indexes[0] != indexes[1] {
		t.Fatalf("indexes %v; nothing is tested", indexes)
	}
	otherWith(t, a, "near", t.TempDir())
	otherWith(t, b, "near", t.TempDir())
	refused(t, a, "near", "theirs")
	refused(t, b, "near", "theirs")
}

// A new name does not make an interface free, and its old name is anybody's.
func TestLockFollowsARename(t *testing.T) {
	ns := stage(t)
	otherWith(t, ns, "near", t.TempDir()) // which has set it down
	ns.Link("near", func(l netlink.Link) error { return netlink.LinkSetName(l, "elsewhere") })
	refused(t, ns, "elsewhere", `interface "elsewhere"`, "port theirs")
	ns.Veth("near", "another")
	claim(t, ns, "near", Options{Port: "mine"})
}

// What other programs have put in the place of a lock is a reason to refuse, and
// none to fail.
func TestLocksOfStrangers(t *testing.T) {
	ns := stage(t)
	name := lockOf(ns, "near")
	ns.Do(func() error { // one that does not listen
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = syscall.Close(fd) })
		return syscall.Bind(fd, &syscall.SockaddrUnix{Name: name})
	})
	refused(t, ns, "near", "is in use by another process, which names no port: end that process (ss -xlp src "+name+" shows it")
	name = lockOf(ns, "far")
	var l *net.UnixListener
	ns.Do(func() (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
		return err
	})
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte(strings.Repeat("\x1b\n\xff[31m", 1000)))
			_ = c.Close()
		}
	}()
	_, err := try(ns, "far", Options{})
	if err == nil || len(err.Error()) > 2*maxAnswer || strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("%q", err)
	}
	_ = l.Close()
	claim(t, ns, "far", Options{})
}

// lockOf returns the address of the lock of an interface.
func lockOf(ns *testenv.Namespace, name string) (address string) {
	ns.Link(name, func(l netlink.Link) error { address = lockName(fmt.Sprint(l.Attrs().Index)); return nil })
	return address
}

// stranger starts a process of another user that has a lock and says something
// to all who ask.
func stranger(t *testing.T, ns *testenv.Namespace, address string) (p *os.Process, end func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), otherEnv+"=lock:"+address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return start(t, ns, cmd)
}

// beStranger is what it does.
func beStranger(address string) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: address})
	fmt.Println("result:", err)
	for err == nil {
		var c net.Conn
		if c, err = l.Accept(); err == nil {
			_, _ = c.Write([]byte("nonsense")) // and stays connected
		}
	}
}

// A process of another user is named by what the kernel knows, and not asked: it
// could say what it likes, or nothing for as long as it likes.
func TestLockOfAnotherUser(t *testing.T) {
	ns := stage(t)
	address := lockOf(ns, "near")
	p, end := stranger(t, ns, address)
	_, err := try(ns, "near", Options{Port: "mine"})
	want := fmt.Sprintf(`interface "near": is in use by process %d (exe) of user nobody, which names no port: end that process (ss -xlp src %s shows it`, p.Pid, address)
	if errno.Code(err) != errno.EBUSY || !strings.HasPrefix(fmt.Sprint(err), want) {
		t.Errorf("errno %d: %v, want\n%s…", errno.Code(err), err, want)
	}
	end()
	claim(t, ns, "near", Options{Port: "mine"})
}

// Who accepts nobody, and has as many waiting as it may, is found by the hint.
func TestLockWithAFullBacklog(t *testing.T) {
	ns := stage(t)
	address := lockOf(ns, "near")
	ns.Do(func() error {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = syscall.Close(fd) })
		if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: address}); err != nil {
			return err
		}
		if err := syscall.Listen(fd, 0); err != nil {
			return err
		}
		for range 2 { // the backlog and one more
			c, err := net.Dial("unix", address)
			if err != nil {
				return nil // full
			}
			t.Cleanup(func() { _ = c.Close() })
		}
		return nil
	})
	refused(t, ns, "near", "is in use by another process, which names no port", "ss -xlp src "+address)
}

// What a killed process left on an interface stays as long as somebody else has
// its lock, and that is told.
func TestRecoverWhileAStrangerHasTheLock(t *testing.T) {
	ns := stage(t)
	before := look(ns, "near")
	kill := other(t, ns, "near")
	changed := look(ns, "near")
	kill()
	p, end := stranger(t, ns, lockOf(ns, "near"))
	recovery := func() (r Recovery) {
		ns.Do(func() (err error) { r, err = Recover(Dir()); return err })
		return r
	}
	r := recovery()
	if len(r.Left) != 1 || r.Undone != nil || look(ns, "near") != changed || left() == "" {
		t.Fatalf("%+v, %s, %q", r, look(ns, "near"), left())
	}
	if l := r.Left[0]; !strings.HasPrefix(l.What, "near: mtu 1500 -> 1400, ") || !strings.Contains(l.Why.Error(), fmt.Sprintf("process %d (exe) of user nobody", p.Pid)) {
		t.Errorf("%+v", l)
	}
	end()
	if r := recovery(); len(r.Undone) != 1 || r.Left != nil || look(ns, "near") != before {
		t.Errorf("%+v, %s", r, look(ns, "near"))
	}
}
