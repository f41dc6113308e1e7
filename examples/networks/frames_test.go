// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"bytes"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// parse takes a frame apart.
func parse(f []byte) gopacket.Packet {
	return gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
}

// edit makes changes to an IPv4 frame, whose checksums are then made anew.
func edit(t *testing.T, f []byte, change func(*layers.Ethernet, *layers.IPv4, gopacket.Packet)) []byte {
	t.Helper()
	p := parse(f)
	eth, ok1 := p.LinkLayer().(*layers.Ethernet)
	ip, ok2 := p.NetworkLayer().(*layers.IPv4)
	if !ok1 || !ok2 {
		t.Fatalf("not IPv4: %x", f)
	}
	change(eth, ip, p)
	var all []gopacket.SerializableLayer
	for _, l := range p.Layers() {
		if tcp, ok := l.(*layers.TCP); ok {
			if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, l.(gopacket.SerializableLayer))
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{ComputeChecksums: true}, all...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mac(last ...byte) net.HardwareAddr { return append(net.HardwareAddr{2, 0, 0, 0}, last...) }

// toward returns the frames with a destination.
func toward(frames [][]byte, dst net.HardwareAddr) (list [][]byte) {
	for _, f := range frames {
		if bytes.Equal(f[:6], dst) {
			list = append(list, f)
		}
	}
	return list
}
