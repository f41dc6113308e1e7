// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package all

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/etherencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipchecksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/l4checksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/macswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/module/updatettl"
	"github.com/bessform/terraform-provider-bess/appliance/module/vlanpop"
	"github.com/bessform/terraform-provider-bess/appliance/module/vlanpush"
	"github.com/bessform/terraform-provider-bess/appliance/module/vxlandecap"
	"github.com/bessform/terraform-provider-bess/appliance/module/vxlanencap"
)

// udpFrame returns a frame of n bytes with UDP over IPv4.
func udpFrame(n int) []byte {
	f := make([]byte, n)
	header.Ethernet(f).Encode(&header.EthernetFields{Type: header.TypeIPv4})
	header.IPv4(f[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(n - 14), TTL: 64, Protocol: header.ProtoUDP, Src: 1, Dst: 2})
	header.UDP(f[34:]).Encode(&header.UDPFields{SrcPort: 5, DstPort: 6, Length: uint16(n - 34)})
	return f
}

// BenchmarkEditing measures whole pipelines, Source → Rewrite → … → Sink. The
// first two have nothing in between: what a class costs is the difference.
func BenchmarkEditing(b *testing.B) {
	vxlan := []*module.Class{vxlanencap.Class, ipencap.Class, etherencap.Class, vxlandecap.Class}
	for _, c := range []struct {
		name    string
		size    int
		classes []*module.Class
	}{
		{"nothing", 60, nil},
		{"nothing", 1500, nil},
		{"MACSwap", 60, []*module.Class{macswap.Class}},
		{"VLANPush-VLANPop", 60, []*module.Class{vlanpush.Class, vlanpop.Class}},
		{"IPChecksum", 60, []*module.Class{ipchecksum.Class}},
		{"L4Checksum", 60, []*module.Class{l4checksum.Class}},
		{"L4Checksum", 1500, []*module.Class{l4checksum.Class}},
		{"UpdateTTL", 60, []*module.Class{updatettl.Class}},
		{"IPSwap", 60, []*module.Class{ipswap.Class}},
		{"VXLANEncap-VXLANDecap", 60, vxlan},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, c.size), func(b *testing.B) { benchEditing(b, c.size, c.classes) })
	}
}

func benchEditing(b *testing.B, size int, classes []*module.Class) {
	h := moduletest.New(b)
	h.MustCreate("source", source.Class, nil)
	last := "source"
	add := func(name string, c *module.Class, arg proto.Message) {
		h.MustCreate(name, c, arg)
		h.Connect(last, 0, name, 0)
		last = name
	}
	add("frames", rewrite.Class, &rewrite.RewriteArg{Templates: [][]byte{udpFrame(size)}})
	for i, c := range classes {
		add(fmt.Sprint(i), c, nil)
	}
	add("sink", sink.Class, nil)
	h.BenchTasks(b, "source")
}
