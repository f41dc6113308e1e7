// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// A page of some megabytes goes through the gateway, to several programs at
// once; the server sees nobody but the gateway.
func TestNAT(t *testing.T) {
	each(t, "nat", []string{"inside", "outside"}, func(s site) {
		s.Reach("inside", "203.0.113.1")
		var mu sync.Mutex
		clients := map[string]int{}
		page := bytes.Repeat([]byte("a page of the Internet\n"), 100_000)
		s.Serve("outside", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			mu.Lock()
			clients[host]++
			mu.Unlock()
			if r.Method == http.MethodPut {
				n, _ := io.Copy(io.Discard, r.Body)
				_, _ = fmt.Fprintf(w, "%d bytes", n)
				return
			}
			if r.URL.Path == "/small" {
				_, _ = w.Write(page[:20_000])
				return
			}
			_, _ = w.Write(page)
		}))
		inside, outside := s.Capture("inside", "eth0", "tcp"), s.Capture("outside", "eth0", "tcp")
		s.Network.Must("inside", "curl", "-sS", "--max-time", "240", "http://203.0.113.1/small")
		compareTranslated(t, inside.Packets(20), outside.Packets(20))
		s.fetch("inside", "203.0.113.1", page)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				out, err := s.Network.Run("inside", "curl", "-sS", "--max-time", "240", "http://203.0.113.1/")
				if err != nil || out != string(page) {
					t.Errorf("one of several programs got %d bytes: %v", len(out), err)
				}
			})
		}
		all.Wait()
		out := s.Network.Must("inside", "sh", "-c", "head -c 3000000 /dev/zero | curl -sS --max-time 50 -T - http://203.0.113.1/")
		if out != "3000000 bytes" {
			t.Errorf("upload: %q", out)
		}
		if n := clients["203.0.113.254"]; n != 6 || len(clients) != 1 {
			t.Errorf("clients %v, want 6 times the gateway", clients)
		}
		if _, err := s.Network.Run("outside", "ping", "-c", "1", "-W", "1", "203.0.113.254"); err == nil {
			t.Error("somebody outside reached the inside unasked")
		}
		s.transfer("inside", "outside", "203.0.113.1")
		if c, _ := s.Counters("nat"); c["outbound"] == 0 || c["inbound"] == 0 || c["no_mapping"] == 0 || c["no_port"] != 0 {
			t.Errorf("%v", c)
		}
	})
}

// compareTranslated checks a connection's packets on both sides of the gateway
// byte for byte: addresses, port, time to live and checksums change, nothing
// else does.
func compareTranslated(t *testing.T, inside, outside [][]byte) {
	t.Helper()
	port := func(f []byte, src bool) layers.TCPPort {
		tcp := parse(f).Layer(layers.LayerTypeTCP).(*layers.TCP)
		if src {
			return tcp.SrcPort
		}
		return tcp.DstPort
	}
	host1, port1, host2, port2 := mac(1, 1), mac(1, 0xfe), mac(2, 1), mac(2, 0xfe)
	sent, got := toward(inside, port1), toward(outside, host2)
	private, public := port(sent[0], true), port(got[0], true)
	var want [][]byte
	for _, f := range sent {
		want = append(want, edit(t, f, func(e *layers.Ethernet, ip *layers.IPv4, p gopacket.Packet) {
			e.SrcMAC, e.DstMAC, ip.SrcIP = port2, host2, net.IP{203, 0, 113, 254}
			ip.TTL--
			p.Layer(layers.LayerTypeTCP).(*layers.TCP).SrcPort = public
		}))
	}
	same(t, "translated on the way out", got, want)
	want = nil
	for _, f := range toward(outside, port2) {
		want = append(want, edit(t, f, func(e *layers.Ethernet, ip *layers.IPv4, p gopacket.Packet) {
			e.SrcMAC, e.DstMAC, ip.DstIP = port1, host1, net.IP{192, 168, 1, 1}
			ip.TTL--
			p.Layer(layers.LayerTypeTCP).(*layers.TCP).DstPort = private
		}))
	}
	same(t, "translated on the way in", toward(inside, host1), want)
}
