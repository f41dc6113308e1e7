// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// catalogue are the classes of the specification.
const catalogue = `ACL ArpResponder BPF Buffer Bypass Counter DRR Dump EtherEncap ExactMatch FlowGen FlowMeasure
	GenericDecap GenericEncap GtpuDecap GtpuEcho GtpuEncap GtpuParser GtpuPathMonitoring HashLB IPChecksum IPDefrag
	IPEncap IPFrag IPLookup IPSwap L2Forward L4Checksum MACSwap MPLSPop Measure Merge MetadataTest NAT NoOP PortInc
	PortOut Qos Queue QueueInc QueueOut RandomSplit RandomUpdate Replicate Rewrite RoundRobin SequentialUpdate
	SetMetadata Sink Source Split StaticNAT Timestamp Update UpdateTTL UrlFilter VLANPop VLANPush VLANSplit
	VXLANDecap VXLANEncap WildcardMatch WorkerSplit`

func TestModuleArg(t *testing.T) {
	exceptions := map[string]protoreflect.FullName{
		"ArpResponder": "bess.pb.EmptyArg", "GtpuDecap": "bess.pb.EmptyArg", "GtpuParser": "bess.pb.EmptyArg",
		"GtpuPathMonitoring": "bess.pb.EmptyArg", "IPSwap": "bess.pb.EmptyArg", "MPLSPop": "bess.pb.EmptyArg",
		"NoOP": "bess.pb.EmptyArg", "UpdateTTL": "bess.pb.EmptyArg",
		"SequentialUpdate": "sample.supdate.pb.SequentialUpdateArg",
	}
	names := strings.Fields(catalogue)
	if len(names) != 63 {
		t.Fatalf("%d classes", len(names))
	}
	for _, class := range names {
		want := exceptions[class]
		if want == "" {
			want = protoreflect.FullName("bess.pb." + class + "Arg")
		}
		m := ModuleArg(class)
		if m == nil || m.FullName() != want {
			t.Errorf("%s: %v, want %s", class, m, want)
		}
	}
	for _, other := range []string{"", "acl", "Empty", "NoOp", "MplsPop", "PMDPort", "Track", "ExactMatchCommandAdd", "DRRQuantum", "a b", "ACL."} {
		if m := ModuleArg(other); m != nil {
			t.Errorf("%q: %s, want none", other, m.FullName())
		}
	}
}

func TestDriverArg(t *testing.T) {
	for _, name := range []string{"PCAPPort", "PMDPort", "UnixSocketPort", "VPort"} {
		if m := DriverArg(name); m == nil || string(m.FullName()) != "bess.pb."+name+"Arg" {
			t.Errorf("%s: %v", name, m)
		}
	}
	for _, other := range []string{"", "ACL", "pmd", "Empty"} {
		if m := DriverArg(other); m != nil {
			t.Errorf("%q: %s, want none", other, m.FullName())
		}
	}
}

func TestHookArg(t *testing.T) {
	for class, want := range hookArgs {
		if m := HookArg(class); m == nil || m.FullName() != want {
			t.Errorf("%s: %v, want %s", class, m, want)
		}
	}
	if m := HookArg("Tcpdump"); m != nil {
		t.Errorf("Tcpdump: %s, want none", m.FullName())
	}
}
