// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package all

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/etherencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/genericdecap"
	"github.com/bessform/terraform-provider-bess/appliance/module/genericencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipchecksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/l4checksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/macswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/module/update"
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

// step is a module of a pipeline.
type step struct {
	class *module.Class
	arg   proto.Message
}

// steps are modules without arguments.
func steps(classes ...*module.Class) (list []step) {
	for _, c := range classes {
		list = append(list, step{class: c})
	}
	return list
}

// vxlan is a tunnel's entry and exit with all attributes set, as users have it.
func vxlan() []step {
	attr := func(name string, size, v uint64) *setmetadata.SetMetadataArg_Attribute {
		return &setmetadata.SetMetadataArg_Attribute{Name: name, Size: size, Value: &setmetadata.SetMetadataArg_Attribute_ValueInt{ValueInt: v}}
	}
	meta := step{setmetadata.Class, &setmetadata.SetMetadataArg{Attrs: []*setmetadata.SetMetadataArg_Attribute{
		attr("tun_ip_src", 4, 0xc0a80001), attr("tun_ip_dst", 4, 0xc0a80002), attr("tun_id", 4, 77),
		attr("ether_src", 6, 0x021e679f4dae), attr("ether_dst", 6, 0x06163e1b7232),
	}}}
	return append([]step{meta}, steps(vxlanencap.Class, ipencap.Class, etherencap.Class, vxlandecap.Class)...)
}

// encap puts an Ethernet header of constants in front and removes it again.
func encap() []step {
	field := func(size, v uint64) *genericencap.GenericEncapArg_EncapField {
		return &genericencap.GenericEncapArg_EncapField{Size: size, Insertion: &genericencap.GenericEncapArg_EncapField_Value{
			Value: &api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: v}}}}
	}
	return []step{
		{genericencap.Class, &genericencap.GenericEncapArg{Fields: []*genericencap.GenericEncapArg_EncapField{
			field(6, 0x010203040506), field(6, 0x0708090a0b0c), field(2, 0x0d0e)}}},
		{genericdecap.Class, &genericdecap.GenericDecapArg{Bytes: 14}},
	}
}

// BenchmarkEditing measures whole pipelines, Source → Rewrite → … → Sink. The
// first two have nothing in between: what a class costs is the difference.
func BenchmarkEditing(b *testing.B) {
	destination := &update.UpdateArg{Fields: []*update.UpdateArg_Field{{Offset: 30, Size: 4, Value: 0x0a000002}}}
	for _, c := range []struct {
		name  string
		size  int
		steps []step
	}{
		{"nothing", 60, nil},
		{"nothing", 1500, nil},
		{"MACSwap", 60, steps(macswap.Class)},
		{"Update", 60, []step{{update.Class, destination}}},
		{"VLANPush-VLANPop", 60, steps(vlanpush.Class, vlanpop.Class)},
		{"GenericEncap-GenericDecap", 60, encap()},
		{"IPChecksum", 60, steps(ipchecksum.Class)},
		{"L4Checksum", 60, steps(l4checksum.Class)},
		{"L4Checksum", 1500, steps(l4checksum.Class)},
		{"UpdateTTL", 60, steps(updatettl.Class)},
		{"IPSwap", 60, steps(ipswap.Class)},
		{"VXLANEncap-VXLANDecap", 60, vxlan()},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, c.size), func(b *testing.B) { benchEditing(b, c.size, c.steps) })
	}
}

func benchEditing(b *testing.B, size int, list []step) {
	h := moduletest.New(b)
	h.MustCreate("source", source.Class, nil)
	last := "source"
	add := func(name string, c *module.Class, arg proto.Message) {
		h.MustCreate(name, c, arg)
		h.Connect(last, 0, name, 0)
		last = name
	}
	add("frames", rewrite.Class, &rewrite.RewriteArg{Templates: [][]byte{udpFrame(size)}})
	for i, s := range list {
		add(fmt.Sprint(i), s.class, s.arg)
	}
	add("sink", sink.Class, nil)
	h.BenchTasks(b, "source")
}
