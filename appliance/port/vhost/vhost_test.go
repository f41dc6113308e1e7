// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func try(name string, inc, out int, a *VhostUserPortArg) (*port.Port, error) {
	return port.Open(Driver, port.Config{Name: name, NumInc: inc, NumOut: out, SizeInc: 1024, SizeOut: 100}, a, nil)
}

func TestPortsJoin(t *testing.T) {
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := pool.NewCache()
	path := filepath.Join(t.TempDir(), "s")
	back, err := try("p0", 1, 3, &VhostUserPortArg{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Device.Close()
	if l := back.Link(); l.Up {
		t.Error("the link is up without a machine")
	}
	front, err := try("p1", 3, 1, &VhostUserPortArg{Path: path, Client: true, FrontEnd: true})
	if err != nil {
		t.Fatal(err)
	}
	defer front.Device.Close()
	for _, p := range []*port.Port{back, front} {
		if p.Queues(port.Inc) != 3 || p.Queues(port.Out) != 3 {
			t.Errorf("%s: %d and %d queues, want 3", p.Name, p.Queues(port.Inc), p.Queues(port.Out))
		}
		testenv.Eventually(t, "the link is up", func() bool { return p.Link().Up })
	}
	testenv.Eventually(t, "all queues are in use", func() bool {
		return strings.Contains(strings.Join(back.Notes(), "; "), "the driver uses 3 of 3 queue pairs")
	})
	if cfg := front.Config(); cfg.SizeInc != 1024 || cfg.SizeOut != 1024 {
		t.Errorf("queues of %d and %d", cfg.SizeInc, cfg.SizeOut)
	}
	var b packet.Batch
	frame := bytes.Repeat([]byte("frame"), 20)
	b.Add(c.New(frame))
	back.Send(2, c, &b)
	testenv.Eventually(t, "the frame arrives", func() bool { return front.Recv(2, c, &b, packet.BatchSize) == 1 })
	if !bytes.Equal(b.At(0).Bytes(), frame) {
		t.Errorf("% x", b.At(0).Bytes())
	}
	c.FreeBatch(&b)
	// How the load is spread can be seen.
	for p, want := range map[*port.Port]string{back: "outgoing queue 2: 1 packets, 0 dropped", front: "incoming queue 2: 1 packets, 0 dropped"} {
		if notes := strings.Join(p.Notes(), "; "); !strings.Contains(notes, want) || !strings.Contains(notes, "incoming queue 0: 0 packets, 0 dropped") {
			t.Errorf("%s: %s", p.Name, notes)
		}
	}
	if err := back.SetConf(0, nil, false); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	testenv.NoLeaks(t)
	dir := t.TempDir()
	used, err := try("p0", 1, 1, &VhostUserPortArg{Path: dir + "/used"})
	if err != nil {
		t.Fatal(err)
	}
	defer used.Device.Close()
	for _, k := range []struct {
		name, path string
		code       int
		want       string
	}{
		{"a/b", "", errno.EINVAL, `path: must be given, because the port's name "a/b" contains a slash`},
		{"p", dir, errno.EINVAL, "exists and is not a socket"},
		{"p", dir + "/used", int(syscall.EADDRINUSE), "address already in use"},
		{"p", dir + "/no/s", errno.ENOENT, "no such file or directory"},
		{"p", dir + "/\x00", errno.EINVAL, "must not contain NUL"},
	} {
		if _, err := try(k.name, 1, 1, &VhostUserPortArg{Path: k.path}); errno.Code(err) != k.code || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%q: errno %d: %v, want %d: …%s…", k.path, errno.Code(err), err, k.code, k.want)
		}
	}
}

func TestDefaultPathAndItsEnd(t *testing.T) {
	testenv.NoLeaks(t)
	name := fmt.Sprintf("vhost-test-%d", os.Getpid())
	p, err := try(name, 1, 1, &VhostUserPortArg{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(defaultDir + name); err != nil {
		t.Error(err)
	}
	p.Device.Close()
	if _, err := os.Stat(defaultDir + name); err == nil {
		t.Error("the socket is still there")
	}
}

// daemon is a bessd process, and how to speak to it.
type daemon struct {
	t        *testing.T
	bin, dir string
	url      string
	cmd      *exec.Cmd
}

// build builds the programs.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	out, err := exec.Command("go", "build", "-o", bin+"/", "../../cmd/bessd", "../../cmd/bessctl").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func (d *daemon) start() {
	d.t.Helper()
	d.cmd = exec.Command(d.bin+"/bessd", "-f", "-i", d.dir+"/pid", "-grpc_url", d.url, "-buffers", "16384")
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = d.cmd.Process.Kill(); _ = d.cmd.Wait() })
	testenv.Eventually(d.t, "the daemon answers", func() bool { _, err := d.ctl("", "show", "version"); return err == nil })
}

// ctl runs bessctl.
func (d *daemon) ctl(in string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.bin+"/bessctl", append([]string{"--address", d.url}, args...)...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d *daemon) apply(name, spec string) {
	d.t.Helper()
	file := filepath.Join(d.dir, name+".yaml")
	text := "apiVersion: bess.dev/v1\nkind: Pipeline\nmetadata:\n  name: " + name + "\nspec:\n" + spec
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	if out, err := d.ctl("", "apply", file); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
}

// Two daemons are joined by declarations: what a program sends to the first
// comes back, with addresses swapped, from the second, which is killed and
// started again meanwhile.
func TestTwoDaemons(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	bin, dir := build(t), t.TempDir()
	switchd := &daemon{t: t, bin: bin, dir: dir, url: "unix:" + dir + "/a"}
	switchd.start()
	switchd.apply("switch", fmt.Sprintf(`  ports:
    program: {driver: UnixSocketPort, args: {path: %[1]s/program, min_rx_interval_ns: -1}}
    machine: {driver: VhostUserPort, args: {path: %[1]s/vhost}}
  modules:
    in: {class: PortInc, args: {port: program}}
    out: {class: PortOut, args: {port: machine}}
    back_in: {class: PortInc, args: {port: machine}}
    back_out: {class: PortOut, args: {port: program}}
  links: [in -> out, back_in -> back_out]
`, dir))
	conn, err := net.Dial("unixpacket", dir+"/program")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for round := range 2 {
		peer := &daemon{t: t, bin: bin, dir: t.TempDir(), url: fmt.Sprintf("unix:%s/b%d", dir, round)}
		peer.start()
		peer.apply("echo", fmt.Sprintf(`  ports:
    card: {driver: PMDPort, args: {vdev: "virtio_user0,path=%s/vhost"}}
  modules:
    in: {class: PortInc, args: {port: card}}
    swap: {class: MACSwap}
    out: {class: PortOut, args: {port: card}}
  links: [in -> swap -> out]
`, dir))
		testenv.Eventually(t, "both are joined", func() bool {
			out, err := switchd.ctl("", "show", "port", "machine")
			return err == nil && strings.Contains(out, "the driver uses 1 of 1 queue pairs")
		})
		for i := range 200 {
			frame := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, bytes.Repeat([]byte{byte(i)}, 46+i*7)...)
			want := append(append(append([]byte(nil), frame[6:12]...), frame[:6]...), frame[12:]...)
			if _, err := conn.Write(frame); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 4096)
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := conn.Read(got)
			if err != nil || !bytes.Equal(got[:n], want) {
				t.Fatalf("round %d, frame %d: % x %v, want % x", round, i, got[:n], err, want)
			}
		}
		_ = peer.cmd.Process.Kill()
		testenv.Eventually(t, "the switch notices", func() bool {
			out, err := switchd.ctl("", "show", "port", "machine")
			return err == nil && strings.Contains(out, "no front end is connected")
		})
	}
}
