// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package loadgen

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Bridge is a bridge of the kernel between two interfaces, all of whose work
// one thread of the kernel does.
type Bridge struct {
	link   netlink.Link
	thread int
}

// NewBridge makes a bridge of the given name. What arrives at the interface in,
// one end of a veth pair, is forwarded on a core.
func NewBridge(name, in, out string, core int) (_ *Bridge, err error) {
	a := netlink.NewLinkAttrs()
	a.Name = name
	b := &Bridge{link: &netlink.Bridge{LinkAttrs: a}}
	if err := netlink.LinkAdd(b.link); err != nil {
		return nil, fmt.Errorf("make bridge %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			b.Close()
			err = fmt.Errorf("bridge %s: %w", name, err)
		}
	}()
	silence(name)
	for _, port := range []string{in, out} {
		l, err := netlink.LinkByName(port)
		if err == nil {
			err = netlink.LinkSetMaster(l, b.link)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := netlink.LinkSetUp(b.link); err != nil {
		return nil, err
	}
	// A veth works off what arrives in a thread only if it has NAPI, which
	// comes with receive offload (Documentation/networking/napi.rst).
	if !sys.SetReceiveOffload(in, true) {
		return nil, fmt.Errorf("%s: the kernel has no receive offload for it", in)
	}
	if err := os.WriteFile("/sys/class/net/"+in+"/threaded", []byte("1"), 0o644); err != nil {
		return nil, err
	}
	if b.thread, err = napiThread(in); err != nil {
		return nil, err
	}
	return b, errors.Join(sys.PinThread(b.thread, core), likeUs(b.thread))
}

// likeUs gives a thread the priority of this one.
func likeUs(thread int) error {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, thread, 20-raw) // getpriority(2): what the system call returns
}

// napiThread returns the kernel's thread for an interface.
func napiThread(name string) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(text), "napi/"+name+"-") {
			return strconv.Atoi(filepath.Base(filepath.Dir(f)))
		}
	}
	return 0, fmt.Errorf("%s: its thread is not to be seen", name)
}

// Thread returns the thread that forwards.
func (b *Bridge) Thread() int { return b.thread }

// Close removes the bridge.
func (b *Bridge) Close() { _ = netlink.LinkDel(b.link) }
