// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// A module in which everything is there that can be.
func busyModule() *moduleData {
	m := newModuleData(&api.GetModuleInfoResponse{
		Name: "fw", Mclass: "ACL", Desc: "2 rules", Deadends: 1234567,
		Igates: []*api.GetModuleInfoResponse_IGate{
			{Igate: 0, Cnt: 10, Pkts: 640, Bytes: 53760, Timestamp: 1.5,
				Ogates:    []*api.GetModuleInfoResponse_IGate_OGate{{Ogate: 2, Name: "rx"}, {Ogate: 0, Name: "nat"}},
				Gatehooks: []*api.GetModuleInfoResponse_GateHook{{ClassName: "Track", HookName: "t"}, {ClassName: "TcpDump", HookName: "d"}}},
			{Igate: 7, Ogates: []*api.GetModuleInfoResponse_IGate_OGate{{Ogate: 1, Name: "rx"}}},
		},
		Ogates: []*api.GetModuleInfoResponse_OGate{{Ogate: 0, Cnt: 3, Pkts: 100, Timestamp: 2, Name: "tx", Igate: 4},
			{Ogate: 1, Name: "log"}},
		Metadata: []*api.GetModuleInfoResponse_Attribute{{Name: "a", Size: 4, Mode: "read", Offset: 8}, {Name: "b", Size: 1, Mode: "write", Offset: -1},
			{Name: "c", Size: 32, Mode: "update", Offset: -2}, {Name: "d", Size: 2, Mode: "read", Offset: -3}},
	})
	m.addCounters(&declarepb.ModuleCountersResponse{
		Counters:    []*declarepb.Counter{{Name: "odd", Unit: "packets", Value: 17, Help: "odd ones"}},
		RulePackets: []uint64{5, 1000000, 0}, Panics: 1,
	})
	m.Rules[0].Rule = object{{"src_ip", "172.12.0.0/16"}}
	m.Rules[1].Rule = object{}
	return m
}

func TestDrawModule(t *testing.T) {
	var b bytes.Buffer
	old := newModuleData(&api.GetModuleInfoResponse{Name: "s", Mclass: "Sink"}) // of a daemon without counters
	drawModules(&b, []*moduleData{busyModule(), old})
	b.WriteString("\n")
	drawModuleList(&b, []*moduleData{busyModule(), old})
	golden(t, "draw_module.table", b.String())
}

// A list of a million rules must not flood the terminal.
func TestManyRules(t *testing.T) {
	lines := ruleTable(make([]ruleData, 100)).lines()
	if len(lines) != 101 || strings.Contains(lines[100], "more") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[100])
	}
	lines = ruleTable(make([]ruleData, 5000)).lines()
	if len(lines) != 102 || !strings.Contains(lines[101], "4,900 more rules; -o json has all") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

// Values that a daemon without our service does not have are null, not 0.
func TestModuleWithoutCounters(t *testing.T) {
	text, err := json.Marshal(newModuleData(&api.GetModuleInfoResponse{Name: "s"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"counters":null`, `"rules":null`, `"panics":null`, `"input_gates":[]`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

// The text of rules comes from the list in the argument that is as long as the
// list of counters; if there is none, no text is better than a wrong one.
func TestRuleTexts(t *testing.T) {
	arg := func(desc, text string) *anypb.Any {
		a, err := parseArgument(argumentMessage(desc), []string{text}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	m := &moduleData{Rules: []ruleData{{Number: 0}, {Number: 1}}}
	m.addRules(arg("ACLArg", "{rules: [{drop: true}]}"))
	if m.Rules[0].Rule != nil {
		t.Errorf("one rule for two counters: %v", m.Rules)
	}
	m.addRules(arg("ACLArg", "{rules: [{drop: true}, {src_port: 7}]}"))
	if flow(m.Rules[0].Rule) != "{drop: true}" || flow(m.Rules[1].Rule) != "{src_port: 7}" {
		t.Errorf("rules: %v", m.Rules)
	}
	m.addRules(&anypb.Any{TypeUrl: "type.googleapis.com/bess.pb.Unheard", Value: []byte{1}})
	m.addRules(nil)
	if flow(m.Rules[1].Rule) != "{src_port: 7}" {
		t.Errorf("rules: %v", m.Rules)
	}
}

func TestDrawPorts(t *testing.T) {
	list := []*portData{
		{Name: "a", Driver: "PMDPort", MAC: "02:00:00:00:00:01", MTU: 1500, AdminUp: true, LinkUp: true, SpeedMbps: 10000, FullDuplex: true,
			Arg: object{{"vdev", "net_null0"}},
			In:  directionData{Queues: 2, QueueSize: 1024, Packets: 1234567, Bytes: 98765432, Dropped: 3}, Out: directionData{Queues: 1, QueueSize: 512}},
		{Name: "b", Driver: "PCAPPort", MTU: 9000, AdminUp: true, SpeedMbps: 100, FullDuplex: true},
		{Name: "c", Driver: "VPort", MTU: 9000, LinkUp: true},
		{Name: "d", Driver: "VPort", MTU: 9000, LinkUp: true, AdminUp: true, SpeedMbps: 100},
	}
	var b bytes.Buffer
	drawPorts(&b, list, true)
	golden(t, "draw_port.table", b.String())
}

func TestLimits(t *testing.T) {
	num := func(n int64) *int64 { return &n }
	for _, tt := range []struct {
		tc           tcData
		limit, burst string
	}{
		{tcData{Policy: "leaf"}, "", ""},
		{tcData{Policy: "rate_limit"}, "unlimited", ""},
		{tcData{Policy: "rate_limit", Resource: "count", Limit: num(1000), MaxBurst: num(0)}, "1,000 runs/s", ""},
		{tcData{Policy: "rate_limit", Resource: "cycle", Limit: num(250_000_000), MaxBurst: num(1000)}, "250 MHz", "1,000 cycles"},
		{tcData{Policy: "rate_limit", Resource: "packet", Limit: num(14_880_952), MaxBurst: num(1)}, "14.88 Mpps", "1 packet"},
		{tcData{Policy: "rate_limit", Resource: "bit", Limit: num(10_000_000_000)}, "10 Gbps", ""},
	} {
		if l, b := tt.tc.limit(), tt.tc.burst(); l != tt.limit || b != tt.burst {
			t.Errorf("%+v: %q, %q", tt.tc, l, b)
		}
	}
}
