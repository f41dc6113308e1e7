// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// With this in the environment the test's program is another process that
// uses an interface; see other.
const otherEnv = "HOSTIF_TEST_OTHER"

func TestMain(m *testing.M) {
	if name := os.Getenv(otherEnv); name != "" {
		beOther(name)
	}
	testenv.Main(m)
}

// beOther claims an interface, changes it, says so, and waits to be killed.
func beOther(name string) {
	if address, ok := strings.CutPrefix(name, "lock:"); ok {
		beStranger(address)
		os.Exit(1)
	}
	SetDir(os.Getenv("HOSTIF_TEST_DIR"))
	if stage, ok := strings.CutPrefix(name, "create:"); ok {
		beCreator(stage)
	}
	i, err := Claim(name, Options{Port: "theirs"})
	if err == nil {
		err = i.SetConf(1400, net.HardwareAddr{2, 9, 9, 9, 9, 9}, false)
	}
	fmt.Println("result:", err)
	if err != nil {
		os.Exit(1)
	}
	select {}
}

// other starts another process in the namespace and returns how to kill it.
func other(t *testing.T, ns *testenv.Namespace, name string) (kill func()) {
	t.Helper()
	_, kill = otherWith(t, ns, name, Dir())
	return kill
}

// otherWith is other with a state directory and the process.
func otherWith(t *testing.T, ns *testenv.Namespace, name, dir string) (p *os.Process, kill func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), otherEnv+"="+name, "HOSTIF_TEST_DIR="+dir)
	return start(t, ns, cmd)
}

// start starts another process in the namespace.
func start(t *testing.T, ns *testenv.Namespace, cmd *exec.Cmd) (p *os.Process, kill func()) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ns.Do(cmd.Start) // a child is born in the namespace of its parent's thread
	kill = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "result: <nil>\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd.Process, kill
}

// stage is a namespace with a cable and a state directory.
func stage(t *testing.T) *testenv.Namespace {
	t.Helper()
	testenv.NoLeaks(t)
	SetDir(filepath.Join(t.TempDir(), "state"))
	ns := testenv.Netns(t)
	ns.Veth("near", "far")
	return ns
}

// claim claims an interface of the namespace until the test ends.
func claim(t *testing.T, ns *testenv.Namespace, name string, o Options) *Interface {
	t.Helper()
	i, err := try(ns, name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func try(ns *testenv.Namespace, name string, o Options) (i *Interface, err error) {
	err = ns.Run(func() (err error) { i, err = Claim(name, o); return err })
	return i, err
}

// look returns the settings of an interface, as text.
func look(ns *testenv.Namespace, name string) (text string) {
	ns.Link(name, func(l netlink.Link) error {
		s := stateOf(l.Attrs())
		text = fmt.Sprint(s.mtu, " ", s.mac, " ", s.up)
		return nil
	})
	return text
}

// left returns the files in the state directory.
func left() string {
	names, _ := filepath.Glob(filepath.Join(Dir(), "*"))
	return strings.Join(names, " ")
}
