// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package unixsock_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/unixsock"
)

const inUse = int(syscall.EADDRINUSE)

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, port, path string
		code             int
		text             string
	}{
		{"path of 108 bytes", "p", "/" + strings.Repeat("x", 107), errno.EINVAL, "has 108 bytes, must be at most 107"},
		{"abstract path of 108 bytes", "p", "@" + strings.Repeat("x", 107), errno.EINVAL, "has 108 bytes"},
		{"default path too long", strings.Repeat("n", 100), "", errno.EINVAL, "must be at most 107"},
		{"default path of a name with a slash", "../../etc/x", "", errno.EINVAL, `"../../etc/x" contains a slash`},
		{"NUL", "p", "/tmp/a\x00b", errno.EINVAL, "NUL"},
		{"no such directory (badinput 3)", "p", dir + "/no/where", errno.ENOENT, "bind(" + dir + "/no/where) failed"},
		{"below a file", "p", file + "/s", int(syscall.ENOTDIR), file + "/s"},
		{"a regular file is never deleted (badinput)", "p", file, errno.EINVAL, "exists and is not a socket"},
		{"a symbolic link", "p", link, errno.EINVAL, "exists and is not a socket"},
		{"a directory", "p", dir, errno.EINVAL, "exists and is not a socket"},
	} {
		t.Run(c.name, func(t *testing.T) {
			testenv.NoLeaks(t)
			p, err := try(c.port, &arg{Path: c.path})
			if err == nil {
				p.Device.Close()
				t.Fatal("succeeded")
			}
			if errno.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("errno %d: %v, want %d: …%s…", errno.Code(err), err, c.code, c.text)
			}
		})
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Fatalf("the file is now %q, %v", b, err)
	}
}

func TestMoreThanOneQueue(t *testing.T) {
	for _, q := range [][2]int{{2, 1}, {1, 2}, {128, 128}} {
		_, err := port.Open(unixsock.Driver, port.Config{Name: "p", NumInc: q[0], NumOut: q[1]}, &arg{}, nil)
		if errno.Code(err) != errno.EINVAL || !strings.Contains(err.Error(), "Cannot have more than 1 queue per RX/TX") {
			t.Errorf("%v: %v", q, err)
		}
	}
}

// A listening socket of any type belongs to somebody, and they must not
// notice that it was looked at.
func TestSocketInUseIsLeftAlone(t *testing.T) {
	for _, network := range []string{"unixpacket", "unix"} {
		t.Run(network, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			if _, err := try("p", &arg{Path: path}); errno.Code(err) != inUse || !strings.Contains(err.Error(), path) {
				t.Fatal(err)
			}
			c, err := net.DialUnix(network, nil, &net.UnixAddr{Name: path, Net: network})
			if err != nil {
				t.Fatal("the socket is gone:", err)
			}
			_ = c.Close()
			if first, err := l.Accept(); err != nil {
				t.Fatal(err)
			} else if n, _ := first.Read(make([]byte, 1)); n != 0 {
				t.Fatal("unexpected data")
			}
			if err := l.SetDeadline(testDeadline()); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Accept(); err == nil {
				t.Fatal("the port connected to the socket to find out")
			}
		})
	}
	path := filepath.Join(t.TempDir(), "dgram")
	d, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if _, err := try("p", &arg{Path: path}); errno.Code(err) != inUse {
		t.Fatal(err)
	}
}

func TestTwoPortsOnOneAddress(t *testing.T) {
	w := open(t, &arg{})
	if _, err := try("q", &arg{Path: w.path}); errno.Code(err) != inUse {
		t.Fatal(err)
	}
	if got := w.notes()[1]; got != "no client is connected" {
		t.Fatal("the first port noticed:", got)
	}
	a := open(t, &arg{Path: "@bess-test-two-ports"})
	_, err := try("q", &arg{Path: a.path})
	if errno.Code(err) != inUse || !strings.Contains(err.Error(), "bind(@bess-test-two-ports) failed") {
		t.Fatal(err)
	}
	a.served() // still works
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal("the socket is not there:", err)
	}
	w := open(t, &arg{Path: path})
	write(t, w.served(), []byte("x"))
	w.collect(1)
}

func TestSocketIsRemovedAtClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 3 {
		p, err := try("p", &arg{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		st, err := os.Lstat(path)
		if err != nil || st.Mode()&os.ModeSocket == 0 {
			t.Fatalf("%v, %v", st, err)
		}
		p.Device.Close()
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Fatal("the socket stayed:", err)
		}
	}
}

func TestCloseLeavesWhatIsNotItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	p, err := try("p", &arg{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Device.Close()
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Fatal("a file put in the socket's place was removed")
	}
}

func TestDefaultPath(t *testing.T) {
	name := "default-path-test.0"
	p, err := try(name, &arg{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Device.Close()
	if st, err := os.Lstat("/tmp/bess_unix_" + name); err != nil || st.Mode()&os.ModeSocket == 0 {
		t.Fatalf("%v, %v", st, err)
	}
}

func TestAbstractAddress(t *testing.T) {
	longest := "@" + strings.Repeat("a", 106)
	for _, path := range []string{"@bess-test-abstract", longest} {
		w := open(t, &arg{Path: path})
		c := w.served()
		write(t, c, []byte("in"))
		w.collect(1)
		w.send([]byte("out"))
		expect(t, c, []byte("out"))
		if _, err := os.Lstat(path); err == nil {
			t.Fatal("an abstract address left a file")
		}
	}
}

func TestLongestPath(t *testing.T) {
	dir := t.TempDir()
	if len(dir) > 100 {
		t.Fatal("the directory for tests has too long a name")
	}
	path := dir + "/" + strings.Repeat("p", 107-len(dir)-1)
	w := open(t, &arg{Path: path})
	write(t, w.served(), []byte("x"))
	w.collect(1)
}
