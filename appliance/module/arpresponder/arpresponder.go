// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package arpresponder is the module class ArpResponder: it answers ARP
// requests from a table (RFC 826; spec: modules/stateful.md).
package arpresponder

import (
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "ArpResponder",
	Prefix:     "arp_responder",
	Help:       "answers ARP requests from a table of addresses",
	IGates:     1,
	OGates:     2,
	MaxWorkers: 1,
	Counters: []module.CounterDoc{
		countReplies: {Name: "replies", Unit: "packets", Help: "requests that became replies"},
		countUnknown: {Name: "unknown", Unit: "packets", Help: "requests for addresses that are not in the table"},
		countOther:   {Name: "other", Unit: "packets", Help: "not an ARP request for Ethernet and IPv4"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "adds an address, or gives it another MAC address", (*ArpResponder).add),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countReplies = iota
	countUnknown
	countOther
)

// validate returns the entry of an argument.
func validate(arg *ArpResponderArg) (ip uint32, mac header.MAC, err error) {
	if arg.GetIp() == "" {
		return 0, mac, errno.Errorf(errno.EINVAL, "ip: missing")
	}
	if ip, err = header.ParseIPv4Addr(arg.GetIp()); err != nil {
		return 0, mac, errno.Wrap(err, "ip")
	}
	if mac, err = header.ParseMAC(arg.GetMacAddr()); err != nil {
		return 0, mac, errno.Wrap(err, "mac_addr")
	}
	return ip, mac, nil
}

// ArpResponder is an instance.
type ArpResponder struct {
	table atomic.Pointer[table]
}

func create(*module.Env, *api.EmptyArg) (*ArpResponder, error) {
	m := &ArpResponder{}
	m.table.Store(newTable(minSlots))
	return m, nil
}

// add runs on the control side, one command at a time.
func (m *ArpResponder) add(arg *ArpResponderArg) error {
	ip, mac, err := validate(arg)
	if err != nil {
		return err
	}
	m.table.Store(m.table.Load().set(ip, mac))
	return nil
}

// Process answers what it can on gate 0; the rest leaves on gate 1, which drops
// it unless something is connected there.
func (m *ArpResponder) Process(ctx *module.Context, b *packet.Batch) {
	t := m.table.Load()
	slots, replies, unknown, other := b.Slots(), 0, 0, 0
	for _, p := range b.Packets() {
		eth, req, ok := request(p.Bytes())
		if !ok {
			other++
			ctx.Emit(p, 1)
			continue
		}
		mac, known := t.get(req.TargetIP())
		if !known {
			unknown++
			ctx.Emit(p, 1)
			continue
		}
		answer(eth, req, mac)
		slots[replies] = p
		replies++
	}
	b.SetLen(replies)
	ctx.Count(countReplies, uint64(replies))
	if unknown|other > 0 {
		ctx.Count(countUnknown, uint64(unknown))
		ctx.Count(countOther, uint64(other))
	}
	ctx.EmitBatch(b, 0)
}

// request returns the headers of a frame that is an ARP request.
func request(frame []byte) (header.Ethernet, header.ARP, bool) {
	eth, ok := header.ParseEthernet(frame)
	if !ok || eth.Type() != header.TypeARP {
		return nil, nil, false
	}
	arp, ok := header.ParseARP(frame, header.EthernetLen)
	return eth, arp, ok && arp.Op() == header.ARPRequest
}

// answer makes a reply of a request.
func answer(eth header.Ethernet, arp header.ARP, mac header.MAC) {
	eth.SetDst(eth.Src())
	eth.SetSrc(mac)
	asked := arp.TargetIP()
	arp.SetOp(header.ARPReply)
	arp.SetTarget(arp.SenderMAC(), arp.SenderIP())
	arp.SetSender(mac, asked)
}
