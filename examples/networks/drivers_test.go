// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

// drivers are ports on the cables to two hosts, in the ways there are to drive
// one. Where a port makes its cable itself, there is none before.
var drivers = []struct {
	name        string
	left, right string
	made        bool
}{
	{"afxdp", "driver: AFXDPPort, args: {ifname: left, mode: native}", "driver: AFXDPPort, args: {ifname: right, mode: native}", false},
	{"afxdp-generic", "driver: AFXDPPort, args: {ifname: left, mode: generic}", "driver: AFXDPPort, args: {ifname: right, mode: generic}", false},
	{"afxdp-small-frames", "driver: AFXDPPort, args: {ifname: left, frame_size: 2048, shared_umem: true}", "driver: AFXDPPort, args: {ifname: right, frame_size: 2048, mode: generic}", false},
	{"afpacket", "driver: AFPacketPort, args: {interface: left}", "driver: AFPacketPort, args: {interface: right}", false},
	{"afpacket-blocks", "driver: AFPacketPort, args: {interface: left, ring: blocks}", "driver: AFPacketPort, args: {interface: right, ring: blocks, qdisc_bypass: true}", false},
	{"afpacket-large", "driver: AFPacketPort, args: {interface: left, large_packets: true}", "driver: AFPacketPort, args: {interface: right, large_packets: true}", false},
	{"mixed", "driver: AFPacketPort, args: {interface: left}", "driver: AFXDPPort, args: {ifname: right}", false},
	{"pmd", `driver: PMDPort, args: {vdev: "net_af_xdp0,iface=left,start_queue=0,queue_count=1"}`, `driver: PMDPort, args: {vdev: "net_af_packet0,iface=right"}`, false},
	{"veth", "driver: VethPort, args: {ifname: eth0, netns: %sone}", "driver: VethPort, args: {ifname: eth0, netns: %stwo}", true},
	{"veth-large", "driver: VethPort, args: {ifname: eth0, netns: %sone, large_packets: true}", "driver: VethPort, args: {ifname: eth0, netns: %stwo, large_packets: true}", true},
	{"veth-bursts", "driver: VethPort, args: {ifname: eth0, netns: %sone, bursts: on}", "driver: VethPort, args: {ifname: eth0, netns: %stwo, bursts: off}", true},
	{"veth-xdp", "driver: VethPort, args: {ifname: eth0, netns: %sone, af_xdp: {}, bursts: on}", "driver: VethPort, args: {ifname: eth0, netns: %stwo, af_xdp: {mode: native}}", true},
	{"veth-xdp-generic", "driver: VethPort, args: {ifname: eth0, netns: %sone, af_xdp: {mode: generic}}", "driver: VethPort, args: {ifname: eth0, netns: %stwo}", true},
	{"tap", "driver: TAPPort, args: {ifname: eth0, netns: %sone}", "driver: TAPPort, args: {ifname: eth0, netns: %stwo}", true},
	{"tap-large", "driver: TAPPort, args: {ifname: eth0, netns: %sone, large_packets: true}", "driver: TAPPort, args: {ifname: eth0, netns: %stwo, large_packets: true}", true},
	{"tap-veth-large", "driver: TAPPort, args: {ifname: eth0, netns: %sone, large_packets: true}", "driver: VethPort, args: {ifname: eth0, netns: %stwo, large_packets: true}", true},
	{"vport", "driver: VPort, args: {ifname: eth0, netns: %sone}", "driver: VPort, args: {ifname: eth0, netns: %stwo}", true},
}

const patch = `apiVersion: bess.dev/v1
kind: Pipeline
spec:
  ports:
    left: {%s}
    right: {%s}
  modules:
    left_in: {class: PortInc, args: {port: left}}
    left_out: {class: PortOut, args: {port: left}}
    right_in: {class: PortInc, args: {port: right}}
    right_out: {class: PortOut, args: {port: right}}
  links: [left_in -> right_out, right_in -> left_out]
`

// Two hosts with everything turned on that programs leave to hardware talk
// through ports of every driver of interfaces, by programs that everybody
// knows.
func TestDrivers(t *testing.T) {
	for _, k := range drivers {
		t.Run(k.name, func(t *testing.T) {
			n := rig.NewNetwork(t, "one", "two")
			s := site{n, n.Daemon(), t}
			left, right := k.left, k.right
			if k.made {
				left, right = fmt.Sprintf(left, s.Prefix), fmt.Sprintf(right, s.Prefix)
			} else {
				s.cable("one", "left")
				s.cable("two", "right")
			}
			s.applyText(fmt.Sprintf(patch, left, right))
			s.address("one", 1)
			s.address("two", 2)
			s.talk()
		})
	}
}

// cable connects eth0 of a host to an interface of the daemon's namespace.
func (s site) cable(host, name string) {
	s.t.Helper()
	s.Network.Must(s.Home(), "ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", s.Prefix+host)
	s.Network.Must(s.Home(), "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/"+name+"/disable_ipv6")
}

// address sets a host up. Everybody knows everybody's address, so that nobody
// asks.
func (s site) address(host string, n int) {
	s.t.Helper()
	mac := func(n int) string { return fmt.Sprintf("02:00:00:00:04:%02x", n) }
	for _, args := range [][]string{
		{"link", "set", "eth0", "address", mac(n), "up"},
		{"addr", "add", fmt.Sprintf("10.4.0.%d/24", n), "dev", "eth0"},
		{"addr", "add", fmt.Sprintf("fd00:4::%d/64", n), "dev", "eth0"},
		{"neigh", "replace", fmt.Sprintf("10.4.0.%d", 3-n), "lladdr", mac(3 - n), "dev", "eth0"},
		{"neigh", "replace", fmt.Sprintf("fd00:4::%d", 3-n), "lladdr", mac(3 - n), "dev", "eth0"},
	} {
		s.Network.Must(host, append([]string{"ip"}, args...)...)
	}
}

// talk is what the hosts one and two do.
func (s site) talk() {
	s.t.Helper()
	s.Reach("one", "10.4.0.2")
	s.Reach("two", "fd00:4::1")
	for _, k := range []struct{ from, to, address, filter string }{
		{"one", "two", "10.4.0.2", "icmp"}, {"two", "one", "fd00:4::1", "icmp6[0] == 128 or icmp6[0] == 129"},
	} {
		near, far := s.Capture(k.from, "eth0", k.filter), s.Capture(k.to, "eth0", k.filter)
		s.ping(k.from, k.address)
		same(s.t, "at "+k.to, far.Packets(2*pings), near.Packets(2*pings))
	}
	one, two := s.serve("one"), s.serve("two")
	s.page()
	s.fetch("two", "10.4.0.1", one)
	s.fetch("one", "10.4.0.2", two)
	s.fetch("two", "[fd00:4::1]", one)
	s.fetch("one", "[fd00:4::2]", two)
	s.transfer("one", "two", "10.4.0.2")
	s.transfer("two", "one", "10.4.0.1")
	s.transfer("one", "two", "fd00:4::2")
}

// serve offers some megabytes, which it returns, and a small page.
func (s site) serve(host string) []byte {
	content := make([]byte, 3<<20)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	s.Serve(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small/" {
			_, _ = w.Write(content[:1000])
			return
		}
		_, _ = w.Write(content)
	}))
	return content
}

// page fetches a page that fits into a packet. What is sent arrives, but with
// the checksums that hosts leave to hardware.
func (s site) page() {
	s.t.Helper()
	one, two := s.Capture("one", "eth0", "tcp"), s.Capture("two", "eth0", "tcp")
	s.Network.Must("two", "curl", "-sS", "--max-time", "240", "-o", "/dev/null", "http://10.4.0.1/small/")
	atOne, atTwo := one.Packets(8), two.Packets(8)
	for _, k := range []struct {
		to         string
		sent, have [][]byte
	}{{"one", atTwo, atOne}, {"two", atOne, atTwo}} {
		dst := mac(4, map[string]byte{"one": 1, "two": 2}[k.to])
		var want [][]byte
		for _, f := range toward(k.sent, dst) {
			want = append(want, edit(s.t, f, func(*layers.Ethernet, *layers.IPv4, gopacket.Packet) {}))
		}
		same(s.t, "at "+k.to, toward(k.have, dst), want)
	}
}

// applyText makes the daemon run a declaration.
func (s site) applyText(text string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "pipeline.yaml")
	s.Daemon.Must(os.WriteFile(file, []byte(text), 0o600))
	s.MustBessctl("apply", file)
	s.MustBessctl("diff", file)
}
