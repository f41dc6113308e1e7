// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package upf runs the user plane: sessions are set up with the calls of a
// control program, packets go through the sockets, and what comes out is
// compared byte for byte.
package upf

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// plane is a running user plane with a peer on each of its sockets.
type plane struct {
	*rig.Daemon
	t                          *testing.T
	access, core, notify, pfcp *net.UnixConn
}

// sockets are the paths by variable of upf.yaml.
func sockets(t *testing.T) map[string]string {
	dir, err := os.MkdirTemp("", "upf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	paths := map[string]string{}
	for _, name := range []string{"ACCESS", "CORE", "NOTIFY", "PFCP"} {
		paths[name] = filepath.Join(dir, name)
	}
	return paths
}

// start applies the declaration with a function and connects the peers.
func start(t *testing.T, apply func(d *rig.Daemon, paths map[string]string)) *plane {
	d := rig.Start(t)
	paths := sockets(t)
	apply(d, paths)
	p := &plane{Daemon: d, t: t}
	for name, conn := range map[string]**net.UnixConn{"ACCESS": &p.access, "CORE": &p.core, "NOTIFY": &p.notify, "PFCP": &p.pfcp} {
		c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: paths[name], Net: "unixpacket"})
		d.Must(err)
		t.Cleanup(func() { _ = c.Close() })
		*conn = c
	}
	p.defaults()
	return p
}

func yaml(t *testing.T) *plane {
	return start(t, func(d *rig.Daemon, paths map[string]string) {
		for name, path := range paths {
			d.Setenv(name, path)
		}
		d.MustBessctl("apply", rig.Example("upf/upf.yaml"))
	})
}

// send sends a frame to a socket.
func (p *plane) send(c *net.UnixConn, frame []byte) {
	p.t.Helper()
	_, err := c.Write(frame)
	p.Must(err)
}

// receive returns the next frame of a socket.
func (p *plane) receive(c *net.UnixConn) []byte {
	p.t.Helper()
	b := make([]byte, 4096)
	p.Must(c.SetReadDeadline(time.Now().Add(time.Minute)))
	n, err := c.Read(b)
	if err != nil {
		p.t.Fatalf("nothing was received: %v", err)
	}
	return b[:n]
}

// Addresses of the scene: own N3 address, base station, terminal, server.
var (
	n3     = net.IPv4(198, 18, 0, 1)
	gnb    = net.IPv4(198, 18, 0, 10)
	ue     = net.IPv4(10, 60, 0, 1)
	server = net.IPv4(8, 8, 8, 8)
)

// mac returns the address 02:00:00:00:00:n.
func mac(n byte) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, n} }

// packet returns an IPv4 packet of UDP with right checksums.
func packet(t *testing.T, ip layers.IPv4, udp layers.UDP, payload []byte) []byte {
	t.Helper()
	ip.Version, ip.Protocol = 4, layers.IPProtocolUDP
	if err := udp.SetNetworkLayerForChecksum(&ip); err != nil {
		t.Fatal(err)
	}
	return serialize(t, &ip, &udp, gopacket.Payload(payload))
}

func serialize(t *testing.T, parts ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, parts...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// ethernet returns a frame without padding.
func ethernet(src, dst net.HardwareAddr, ip []byte) []byte {
	return append(append(append(append([]byte{}, dst...), src...), 0x08, 0x00), ip...)
}

// uplink and downlink are what terminal and server say to each other.
func uplink(t *testing.T) []byte {
	return packet(t, layers.IPv4{SrcIP: ue, DstIP: server, TTL: 64, TOS: 0x28}, layers.UDP{SrcPort: 5000, DstPort: 53}, []byte("question"))
}

func downlink(t *testing.T) []byte {
	return packet(t, layers.IPv4{SrcIP: server, DstIP: ue, TTL: 60}, layers.UDP{SrcPort: 53, DstPort: 5000}, []byte("answer"))
}

// tunnelled returns a packet in a tunnel, with the headers given in hex
// between length and payload: optional fields and extensions.
func tunnelled(t *testing.T, outer layers.IPv4, flags byte, teid uint32, extension string, inner []byte) []byte {
	t.Helper()
	ext, err := hex.DecodeString(extension)
	if err != nil {
		t.Fatal(err)
	}
	g := []byte{flags, 255, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(g[2:], uint16(len(ext)+len(inner)))
	binary.BigEndian.PutUint32(g[4:], teid)
	return packet(t, outer, layers.UDP{SrcPort: 2152, DstPort: 2152}, append(append(g, ext...), inner...))
}

// fromRadio is an uplink packet as the base station sends it.
func fromRadio(t *testing.T, teid uint32) []byte {
	return ethernet(mac(0xa), mac(1), tunnelled(t, layers.IPv4{SrcIP: gnb, DstIP: n3, TTL: 64}, 0x34, teid, "0000008501100900", uplink(t)))
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}

// scene checks both directions of a session with tunnels up and down.
func (p *plane) scene(up, down uint32) {
	p.t.Helper()
	t := p.t
	p.send(p.access, fromRadio(t, up))
	same(t, "to the core", p.receive(p.core), ethernet(mac(2), mac(0xb), uplink(t)))
	p.send(p.core, ethernet(mac(0xb), mac(2), downlink(t)))
	same(t, "to the base station", p.receive(p.access), ethernet(mac(1), mac(0xa),
		tunnelled(t, layers.IPv4{SrcIP: n3, DstIP: gnb, TTL: 64, Id: 0x0513}, 0x34, down, "0000008501000900", downlink(t))))
}

// silent checks that packets of a terminal without session go nowhere.
func (p *plane) silent(up uint32) {
	p.t.Helper()
	before := p.Left("executeFAR", 0) + p.Left("executeFAR", 1)
	c, _ := p.Counters("pdrLookup")
	misses := c["misses"]
	p.send(p.access, fromRadio(p.t, up))
	p.send(p.core, ethernet(mac(0xb), mac(2), downlink(p.t)))
	rig.Eventually(p.t, "two packets match no rule", func() bool {
		c, _ := p.Counters("pdrLookup")
		return c["misses"] == misses+2
	})
	if now := p.Left("executeFAR", 0) + p.Left("executeFAR", 1); now != before {
		p.t.Errorf("%d packets were forwarded without session", now-before)
	}
}

func TestSessions(t *testing.T) {
	p := yaml(t)
	p.silent(0x11)
	s := session{seid: 7, up: 0x11, down: 0x22, meter: true}
	p.add(s)
	p.scene(0x11, 0x22)
	s.down = 0x33 // the terminal has moved: same rules, new tunnel
	p.add(s)
	p.scene(0x11, 0x33)
	p.used(s, 4)
	p.measured(s)
	p.remove(s)
	p.silent(0x11)
}

// A session without rate passes unmetered; one that is closed is dropped.
func TestGatesOfRates(t *testing.T) {
	p := yaml(t)
	s := session{seid: 1 << 40, up: 5, down: 6}
	p.add(s)
	p.scene(5, 6)
	p.close(s)
	p.send(p.access, fromRadio(t, 5))
	rig.Eventually(t, "the packet is dropped", func() bool { return p.Left("appQERLookup", 5) == 1 })
}

// What is above the rate of a session is dropped.
func TestRate(t *testing.T) {
	p := yaml(t)
	s := session{seid: 9, up: 5, down: 6, meter: true, depth: 100}
	p.add(s)
	for range 10 {
		p.send(p.access, fromRadio(t, 5)) // 36 bytes in the tunnel
	}
	rig.Eventually(t, "what is too much is red", func() bool {
		c, _ := p.Counters("appQERLookup")
		return c["red"] == 8 && c["green"] == 2
	})
}

func TestEcho(t *testing.T) {
	p := yaml(t)
	echo := func(src, dst net.IP, message string, id uint16) []byte {
		g, _ := hex.DecodeString(message)
		return packet(t, layers.IPv4{SrcIP: src, DstIP: dst, TTL: 64, Id: id}, layers.UDP{SrcPort: 2152, DstPort: 2152}, g)
	}
	p.send(p.access, ethernet(mac(0xa), mac(1), echo(gnb, n3, "320100040000000000070000", 3)))
	same(t, "response", p.receive(p.access), ethernet(mac(1), mac(0xa), echo(n3, gnb, "3202000600000000000700000e00", 3)))
}

// A packet for a terminal that sleeps is told to the control program, which
// sends an end marker the other way.
func TestControlProgram(t *testing.T) {
	p := yaml(t)
	s := session{seid: 0x0102030405060708, up: 5, down: 6, notify: true}
	p.add(s)
	frame := ethernet(mac(0xb), mac(2), downlink(t))
	p.send(p.core, frame)
	same(t, "notification", p.receive(p.notify), append([]byte{8, 7, 6, 5, 4, 3, 2, 1}, frame...))
	marker := tunnelled(t, layers.IPv4{SrcIP: n3, DstIP: gnb, TTL: 64}, 0x30, 6, "", nil)
	p.send(p.pfcp, ethernet(mac(0), mac(0), marker))
	same(t, "end marker", p.receive(p.access), ethernet(mac(1), mac(0xa), marker))
}

func TestTerraform(t *testing.T) {
	rig.NeedTerraform(t)
	var tf *rig.Terraform
	p := start(t, func(d *rig.Daemon, paths map[string]string) {
		tf = d.Terraform("upf", "declaration="+rig.Example("upf/upf.yaml"),
			`sockets={access="`+paths["ACCESS"]+`",core="`+paths["CORE"]+`",notify="`+paths["NOTIFY"]+`",pfcp="`+paths["PFCP"]+`"}`)
		tf.Apply()
	})
	s := session{seid: 7, up: 0x11, down: 0x22}
	p.add(s)
	p.scene(0x11, 0x22)
	tf.Unchanged()
	p.scene(0x11, 0x22)
	tf.Destroy()
	if list := p.Contents(); len(list) > 0 {
		t.Errorf("left: %v", list)
	}
}
