// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package upf

import (
	"context"
	"encoding/binary"
	"net"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module/counter"
	"github.com/bessform/terraform-provider-bess/appliance/module/exactmatch"
	"github.com/bessform/terraform-provider-bess/appliance/module/flowmeasure"
	"github.com/bessform/terraform-provider-bess/appliance/module/qos"
	"github.com/bessform/terraform-provider-bess/appliance/module/wildcardmatch"
)

// session is one with an uplink and a downlink rule for the terminal.
type session struct {
	seid     uint64
	up, down uint32 // tunnels at our side and at that of the base station
	meter    bool   // meter flows
	depth    uint64 // of the buckets, bytes; 0: plenty
	notify   bool   // tell the control program of downlink packets
}

// Interfaces, actions and gates as control programs know them.
const (
	fromAccess, fromCore = 1, 2
	toAccess, toCore     = 0, 1
	tellControl          = 4
	rateMeter            = 0
	rateClosed           = 5
	rateOpen             = 6
)

// Rules of a session: number 1 is uplink, 2 downlink.
const (
	ruleUp = iota + 1
	ruleDown
)

const flowID = 9 // QFI

func num(v uint64) *api.FieldData {
	return &api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: v}}
}

func nums(v ...uint64) []*api.FieldData {
	list := make([]*api.FieldData, len(v))
	for i := range v {
		list[i] = num(v[i])
	}
	return list
}

func number(ip net.IP) uint64 { return uint64(binary.BigEndian.Uint32(ip.To4())) }

// ask runs a command and takes the answer.
func (p *plane) ask(module, cmd string, arg, answer proto.Message) {
	p.t.Helper()
	packed, err := anypb.New(arg)
	p.Must(err)
	r, err := p.Client.Command(context.Background(), module, cmd, packed)
	p.Must(err)
	p.Must(r.UnmarshalTo(answer))
}

// defaults sets the gates for packets that rates say nothing about.
func (p *plane) defaults() {
	p.Command("pdrLookup", "set_default_gate", &wildcardmatch.WildcardMatchCommandSetDefaultGateArg{Gate: 8192})
	for _, m := range []string{"appQERLookup", "sessionQERLookup", "sliceMeter"} {
		p.Command(m, "set_default_gate", &qos.QosCommandSetDefaultGateArg{Gate: 4})
	}
	p.Command("farLookup", "set_default_gate", &exactmatch.ExactMatchCommandSetDefaultGateArg{Gate: 2})
}

// detection returns key and mask of a detection rule.
func (s session) detection(rule int) (values, masks []*api.FieldData) {
	const all4, all1 = 0xffffffff, 0xff
	if rule == ruleUp {
		return nums(fromAccess, number(n3), uint64(s.up), number(ue), 0, 0, 0, 0), nums(all1, all4, all4, all4, 0, 0, 0, 0)
	}
	return nums(fromCore, 0, 0, 0, number(ue), 0, 0, 0), nums(all1, 0, 0, 0, all4, 0, 0, 0)
}

// counter returns the number of the counter of a rule.
func (s session) counter(rule int) uint64 { return s.seid&0xff*2 + uint64(rule) }

// add sets a session up, or changes it.
func (p *plane) add(s session) {
	p.t.Helper()
	for _, rule := range []int{ruleUp, ruleDown} {
		values, masks := s.detection(rule)
		decap := uint64(0)
		if rule == ruleUp {
			decap = 1
		}
		p.Command("pdrLookup", "add", &wildcardmatch.WildcardMatchCommandAddArg{Gate: decap, Priority: 0xffffffff - 255, Values: values, Masks: masks,
			Valuesv: nums(uint64(rule), s.seid, s.counter(rule), 4, uint64(rule))})
		p.Command("usage", "add", &counter.CounterAddArg{CtrId: uint32(s.counter(rule))})
	}
	p.forward(ruleUp, s.seid, 0, toCore, 0, 0, 0, 0, 0)
	action := uint64(toAccess)
	tunnel := uint64(1)
	if s.notify {
		action, tunnel = tellControl, 0
	}
	p.forward(ruleDown, s.seid, tunnel, action, tunnel, number(n3), number(gnb), uint64(s.down), 2152)
	p.rate(s, rateOpen)
}

// forward adds a forwarding rule with its results.
func (p *plane) forward(far, seid, gate uint64, values ...uint64) {
	p.t.Helper()
	p.Command("farLookup", "add", &exactmatch.ExactMatchCommandAddArg{Gate: gate, Fields: nums(far, seid), Values: nums(values...)})
}

// rate adds the rates of both directions; those that meter do so whatever gate
// says.
func (p *plane) rate(s session, gate uint64) {
	p.t.Helper()
	if s.meter && gate == rateOpen {
		gate = rateMeter
	}
	depth := s.depth
	if depth == 0 {
		depth = 50_000
	}
	for _, side := range []uint64{fromAccess, fromCore} {
		a := &qos.QosCommandAddArg{Gate: gate, Cir: 1, Pir: 1, Cbs: depth, Pbs: depth, Ebs: depth, Fields: nums(side, 4, s.seid), Values: nums(flowID)}
		p.Command("appQERLookup", "add", a)
		p.Command("sessionQERLookup", "add", &qos.QosCommandAddArg{Gate: rateOpen, Fields: nums(side, s.seid)})
	}
}

// close lets nothing of a session pass.
func (p *plane) close(s session) { p.rate(s, rateClosed) }

// remove takes everything of a session back.
func (p *plane) remove(s session) {
	p.t.Helper()
	for _, rule := range []int{ruleUp, ruleDown} {
		values, masks := s.detection(rule)
		p.Command("pdrLookup", "delete", &wildcardmatch.WildcardMatchCommandDeleteArg{Values: values, Masks: masks})
		p.Command("farLookup", "delete", &exactmatch.ExactMatchCommandDeleteArg{Fields: nums(uint64(rule), s.seid)})
		p.Command("usage", "remove", &counter.CounterRemoveArg{CtrId: uint32(s.counter(rule))})
	}
	for _, side := range []uint64{fromAccess, fromCore} {
		p.Command("appQERLookup", "delete", &qos.QosCommandDeleteArg{Fields: nums(side, 4, s.seid)})
		p.Command("sessionQERLookup", "delete", &qos.QosCommandDeleteArg{Fields: nums(side, s.seid)})
	}
}

// used checks the counters of a session: so many packets in both directions.
func (p *plane) used(s session, packets uint64) {
	p.t.Helper()
	r := &counter.ReadResponse{}
	p.ask("usage", "read", &counter.ReadArg{CtrIds: []uint32{uint32(s.counter(ruleUp)), uint32(s.counter(ruleDown))}}, r)
	up, down := r.GetCounters()[0], r.GetCounters()[1]
	want := uint64(len(uplink(p.t))) + 14
	if up.GetPackets() != packets/2 || up.GetBytes() != packets/2*want || down.GetPackets() != packets/2 {
		p.t.Errorf("usage: %v", r)
	}
}

// measured checks that all packets of a session were measured, before and
// behind the rates, with complete percentiles.
func (p *plane) measured(s session) {
	p.t.Helper()
	flip := &flowmeasure.FlowMeasureFlipResponse{}
	p.ask("preQosFlowMeasure", "flip", &flowmeasure.FlowMeasureCommandFlipArg{}, flip)
	arg := &flowmeasure.FlowMeasureCommandReadArg{Clear: true, FlagToRead: flip.GetOldFlag(),
		LatencyPercentiles: []float64{50, 90, 99}, JitterPercentiles: []float64{50, 90, 99}}
	for module, rules := range map[string]int{"preQosFlowMeasure": 2, "postDLQosFlowMeasure": 1, "postULQosFlowMeasure": 1} {
		r := &flowmeasure.FlowMeasureReadResponse{}
		p.ask(module, "read", arg, r)
		if len(r.GetStatistics()) != rules {
			p.t.Errorf("%s: %v", module, r)
		}
		for _, f := range r.GetStatistics() {
			if f.GetFseid() != s.seid || f.GetTotalPackets() != 2 || len(f.GetLatency().GetPercentileValuesNs()) != 3 || len(f.GetJitter().GetPercentileValuesNs()) != 3 {
				p.t.Errorf("%s: %v", module, f)
			}
		}
	}
}
