// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// Addresses of the machine that plugs into a port, and of the test.
var (
	plugged   = net.IP{192, 0, 2, 2}
	tester    = net.IP{192, 0, 2, 1}
	pluggedHW = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 0x21}
)

// vhostPipeline joins the machine's network card with a program: the test.
const vhostPipeline = `apiVersion: bess.dev/v1
kind: Pipeline
metadata: {name: vhost}
spec:
  ports:
    machine: {driver: VhostUserPort, args: {path: %[1]s/vhost}}
    test: {driver: UnixSocketPort, args: {path: %[1]s/test, min_rx_interval_ns: -1}}
  modules:
    fromMachine: {class: PortInc, args: {port: machine}}
    toMachine: {class: PortOut, args: {port: machine}}
    fromTest: {class: PortInc, args: {port: test}}
    toTest: {class: PortOut, args: {port: test}}
  links: [fromMachine -> toTest, fromTest -> toMachine]
`

// plug is a daemon on this host with a port for a machine.
type plug struct {
	t    *testing.T
	dir  string
	conn net.Conn
	bess api.BESSControlClient
}

func newPlug(t *testing.T) *plug {
	t.Helper()
	dir, err := os.MkdirTemp("", "plug") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "pipeline.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, vhostPipeline, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", dir+"/bessd", "./appliance/cmd/bessd")
	build.Dir = repository(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	daemon := exec.Command(dir+"/bessd", "-f", "-i", dir+"/pid", "-grpc_url", "unix:"+dir+"/ctl", "-buffers", "16384", "-declaration", file)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill(); _ = daemon.Wait() })
	p := &plug{t: t, dir: dir}
	p.eventually("the daemon has its ports", func() bool {
		p.conn, err = net.Dial("unixpacket", dir+"/test")
		return err == nil
	})
	t.Cleanup(func() { _ = p.conn.Close() })
	c, err := grpc.NewClient("unix:"+dir+"/ctl", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p.bess = api.NewBESSControlClient(c)
	return p
}

func (p *plug) eventually(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// exchange sends a frame until one comes back that want accepts.
func (p *plug) exchange(what string, frame []byte, want func(gopacket.Packet) bool) {
	p.t.Helper()
	buf := make([]byte, 4096)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := p.conn.Write(frame); err != nil {
			p.t.Fatal(err)
		}
		_ = p.conn.SetReadDeadline(time.Now().Add(time.Second))
		for {
			n, err := p.conn.Read(buf)
			if err != nil {
				break
			}
			if want(gopacket.NewPacket(bytes.Clone(buf[:n]), layers.LayerTypeEthernet, gopacket.Default)) {
				return
			}
		}
	}
	p.t.Fatalf("%s: no answer", what)
}

func serialize(list ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, list...); err != nil {
		panic(err) // nothing in it comes from outside
	}
	return b.Bytes()
}

func (p *plug) ethernet(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: ours, DstMAC: pluggedHW, EthernetType: kind}
}

func (p *plug) ipv4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: proto, SrcIP: tester, DstIP: plugged}
}

// arp asks for the machine's address until it is there.
func (p *plug) arp(ctx context.Context, m *vm.VM) {
	p.t.Helper()
	ask := &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: layers.ARPRequest, SourceHwAddress: ours, SourceProtAddress: tester, DstHwAddress: make([]byte, 6), DstProtAddress: plugged}
	for {
		ok := false
		_, _ = p.conn.Write(serialize(p.ethernet(layers.EthernetTypeARP), ask))
		buf := make([]byte, 4096)
		_ = p.conn.SetReadDeadline(time.Now().Add(time.Second))
		for !ok {
			n, err := p.conn.Read(buf)
			if err != nil {
				break
			}
			a, is := gopacket.NewPacket(buf[:n], layers.LayerTypeEthernet, gopacket.Default).Layer(layers.LayerTypeARP).(*layers.ARP)
			ok = is && a.Operation == layers.ARPReply && bytes.Equal(a.SourceHwAddress, pluggedHW)
		}
		if ok {
			return
		}
		over, cancel := context.WithTimeout(ctx, time.Millisecond)
		if err := m.WaitEnd(over); ctx.Err() != nil || over.Err() == nil {
			p.t.Fatalf("the machine does not answer ARP: %v", err)
		}
		cancel()
	}
}

// ping expects the same bytes back, for every size.
func (p *plug) ping() {
	p.t.Helper()
	for i := range 150 {
		payload := make([]byte, i*1472/149)
		for j := range payload {
			payload[j] = byte(i + j)
		}
		echo := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: 7, Seq: uint16(i)}
		p.exchange(fmt.Sprintf("ping of %d bytes", len(payload)),
			serialize(p.ethernet(layers.EthernetTypeIPv4), p.ipv4(layers.IPProtocolICMPv4), echo, gopacket.Payload(payload)),
			func(got gopacket.Packet) bool {
				r, is := got.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
				if !is || r.TypeCode.Type() != layers.ICMPv4TypeEchoReply || r.Seq != uint16(i) {
					return false
				}
				if !bytes.Equal(r.Payload, payload) {
					p.t.Fatalf("ping of %d bytes: others came back", len(payload))
				}
				return true
			})
	}
}

// tcp begins a connection. The machine leaves the checksum of its answer to
// the network card, which is us.
func (p *plug) tcp() {
	p.t.Helper()
	ip := p.ipv4(layers.IPProtocolTCP)
	syn := &layers.TCP{SrcPort: 40000, DstPort: vm.APIPort, Seq: 1, SYN: true, Window: 65535}
	_ = syn.SetNetworkLayerForChecksum(ip)
	p.exchange("TCP", serialize(p.ethernet(layers.EthernetTypeIPv4), ip, syn), func(got gopacket.Packet) bool {
		r, is := got.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if !is || r.DstPort != 40000 {
			return false
		}
		had := r.Checksum
		_ = r.SetNetworkLayerForChecksum(got.NetworkLayer())
		again := gopacket.NewSerializeBuffer()
		if err := gopacket.Payload(r.Payload).SerializeTo(again, gopacket.SerializeOptions{}); err != nil {
			p.t.Fatal(err)
		}
		if err := r.SerializeTo(again, gopacket.SerializeOptions{ComputeChecksums: true}); err != nil {
			p.t.Fatal(err)
		}
		if r.Checksum != had {
			p.t.Fatalf("TCP: the answer's checksum is %#04x, must be %#04x", had, r.Checksum)
		}
		return true
	})
}

// A machine's network card plugs into a port of a daemon on the host.
func TestVhostUser(t *testing.T) {
	i := image(t)
	p := newPlug(t)
	o := newOperator(t)
	seed := writeSeed(t, seedHead+"hostname: plugged\nnetwork:\n  interfaces:\n    - {match: {mac: \""+pluggedHW.String()+"\"}, name: lan, addresses: [192.0.2.2/24]}\n"+o.tls())
	began := time.Now()
	m, ctx := start(t, i.Direct(vm.Config{Disks: []vm.Disk{seed}, NICs: []vm.NIC{{MAC: pluggedHW.String(), Vhost: p.dir + "/vhost"}}}))
	p.arp(ctx, m)
	took(t, "power on to the first answer through vhost-user", began)
	p.ping()
	p.tcp()
	s, err := p.bess.GetPortStats(ctx, &api.GetPortStatsRequest{Name: "machine"})
	if err != nil || s.GetInc().GetPackets() < 151 || s.GetInc().GetDropped() != 0 {
		t.Errorf("%v %v", s, err)
	}
	m.Kill()
	p.eventually("the port has noticed", func() bool {
		l, err := p.bess.GetLinkStatus(ctx, &api.GetLinkStatusRequest{Name: "machine"})
		return err == nil && !l.GetLinkUp()
	})
}
