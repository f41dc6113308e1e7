// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/module/portinc"
	"github.com/bessform/terraform-provider-bess/appliance/module/portout"
	"github.com/bessform/terraform-provider-bess/appliance/port/pmd"
	"github.com/bessform/terraform-provider-bess/examples/custom-class/dscpmark"
	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

const (
	ours   = "github.com/bessform/terraform-provider-bess"
	theirs = "example.org/bessd"
)

// TestOutsideModule copies the example into a Go module of its own, as somebody
// else would have it, builds it there without network, and lets the bessd that
// comes out mark packets.
func TestOutsideModule(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a daemon")
	}
	dir := t.TempDir()
	outside(t, dir)
	cmd := exec.Command("go", "build", "-o", "bessd", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, text)
	}
	run(t, dir)
}

// outside writes the module: the example's files with their own import path,
// and a go.mod that replaces the appliance by this checkout. Versions are those
// of the appliance, which are on this machine.
func outside(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"main.go", "dscpmark/dscpmark.go", "dscpmark/dscpmark.pb.go"} {
		text := read(t, name)
		if !strings.HasSuffix(name, ".pb.go") { // which contains a descriptor, lengths and all
			text = strings.ReplaceAll(text, ours+"/examples/custom-class", theirs)
		}
		write(t, filepath.Join(dir, name), text)
	}
	mod := read(t, filepath.Join(rig.Root(), "go.mod"))
	mod = strings.Replace(mod, "module "+ours, "module "+theirs, 1)
	mod = regexp.MustCompile(`(?ms)^tool (\(.*?^\)|[^(\n]*)$`).ReplaceAllString(mod, "")
	mod += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %s\n", ours, ours, rig.Root())
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(rig.Root(), "go.sum")))
}

// run starts the daemon and sends a recording through the class.
func run(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := start(t, dir)
	if classes, err := c.Classes(ctx); err != nil || !slices.Contains(classes, "DSCPMark") {
		t.Fatalf("classes %v, %v", classes, err)
	}
	in, out := filepath.Join(dir, "in.pcap"), filepath.Join(dir, "out.pcap")
	record(t, in, 0, 10)
	if _, err := c.CreatePort(ctx, &api.CreatePortRequest{Name: "files", Driver: "PMDPort",
		Arg: pack(t, &pmd.PMDPortArg{Port: &pmd.PMDPortArg_Vdev{Vdev: "net_pcap0,rx_pcap=" + in + ",tx_pcap=" + out}})}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		name, class string
		arg         proto.Message
	}{
		{"tx", "PortOut", &portout.PortOutArg{Port: "files"}},
		{"mark", "DSCPMark", &dscpmark.DSCPMarkArg{Dscp: 10}},
		{"rx", "PortInc", &portinc.PortIncArg{Port: "files"}},
	} {
		if _, err := c.CreateModule(ctx, m.name, m.class, pack(t, m.arg)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.CreateModule(ctx, "bad", "DSCPMark", pack(t, &dscpmark.DSCPMarkArg{Dscp: 64}))
	if err == nil || !strings.Contains(err.Error(), "dscp: 64") {
		t.Errorf("code point 64: %v", err)
	}
	if _, err := c.Command(ctx, "mark", "set", pack(t, &dscpmark.DSCPMarkArg{Dscp: 46})); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Module(ctx, "mark"); err != nil || info.Desc != "DSCP 46" {
		t.Errorf("description %q, %v", info.GetDesc(), err)
	}
	for _, l := range [][2]string{{"mark", "tx"}, {"rx", "mark"}} {
		if err := c.Connect(ctx, l[0], 0, l[1], 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ResumeAll(ctx); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "want.pcap")
	record(t, want, 46<<2, 10)
	rig.Eventually(t, "ten marked packets have come out", func() bool {
		return slices.EqualFunc(packets(out), packets(want), bytes.Equal)
	})
	counters, err := c.ModuleCounters(ctx, "mark")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range counters.GetCounters() {
		if n.GetName() == "marked" && n.GetValue() != 10 {
			t.Errorf("marked %d packets", n.GetValue())
		}
	}
}

// start runs the daemon until the test ends.
func start(t *testing.T, dir string) *client.Client {
	t.Helper()
	c, err := client.Dial("unix:"+filepath.Join(dir, "s"), client.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(dir, "bessd"), "-f", "-skip_root_check", "-buffers", "1024", "-grpc_url", c.Address(), "-i", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("bessd says:\n%s", log.String())
		}
	})
	rig.Eventually(t, "bessd answers", func() bool {
		v, err := c.Version(context.Background())
		return err == nil && v == "custom"
	})
	return c
}

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// record writes a recording of n packets with a type of service.
func record(t *testing.T, path string, tos uint8, n int) {
	t.Helper()
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		eth := &layers.Ethernet{DstMAC: make([]byte, 6), SrcMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}
		ip := &layers.IPv4{Version: 4, TOS: tos, TTL: 64, Id: uint16(i), Protocol: layers.IPProtocolUDP, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
		udp := &layers.UDP{SrcPort: 1, DstPort: 2}
		if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
			t.Fatal(err)
		}
		b := gopacket.NewSerializeBuffer()
		opt := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(b, opt, eth, ip, udp, gopacket.Payload(make([]byte, 30))); err != nil {
			t.Fatal(err)
		}
		if err := w.WritePacket(gopacket.CaptureInfo{CaptureLength: len(b.Bytes()), Length: len(b.Bytes())}, b.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	write(t, path, file.String())
}

// packets returns the packets of a recording, as far as it has been written.
func packets(path string) (list [][]byte) {
	text, _ := os.ReadFile(path)
	r, err := pcapgo.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	for {
		p, _, err := r.ReadPacketData()
		if err != nil {
			return list
		}
		list = append(list, p)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
