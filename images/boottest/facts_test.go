// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

func (b *box) getFacts(probe bool) *appliancepb.GetFactsResponse {
	b.t.Helper()
	f, err := appliancepb.NewApplianceClient(b.conn).GetFacts(b.ctx, &appliancepb.GetFactsRequest{Probe: probe})
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// facts compares what the API tells with what the machine was made of.
func (b *box) facts() {
	f := b.getFacts(true)
	if v := version(b.t, image(b.t)); f.GetHostname() != "edge-1" || f.GetImage().GetVersion() != v {
		b.t.Errorf("host %q, image %v, want version %s", f.GetHostname(), f.GetImage(), v)
	}
	i := slices.IndexFunc(f.GetHugePages(), func(h *appliancepb.HugePages) bool { return h.GetPageBytes() == hugePage })
	if i < 0 || f.GetHugePages()[i].GetTotal() != pages {
		b.t.Errorf("huge pages %v, the seed asks for %d", f.GetHugePages(), pages)
	}
	if total := f.GetMemoryTotal() >> 20; total > vm.MemoryMiB || total < vm.MemoryMiB*8/10 {
		b.t.Errorf("%d MiB of memory, QEMU has %d", total, vm.MemoryMiB)
	}
	if c := f.GetCores(); len(c) != vm.CPUs || !slices.Equal(c[1].GetWorkers(), []int64{0}) || c[0].GetIsolated() || !c[1].GetIsolated() {
		b.t.Errorf("cores %v: QEMU has %d, the second is isolated, and worker 0 is declared for it", c, vm.CPUs)
	}
	if f.GetAfXdp() != "yes" || f.GetAfPacket() != "yes" {
		b.t.Errorf("AF_XDP %q, AF_PACKET %q", f.GetAfXdp(), f.GetAfPacket())
	}
	for name, mac := range map[string]string{"mgmt": mgmtMAC, "left": leftMAC, "right": rightMAC} {
		i := slices.IndexFunc(f.GetInterfaces(), func(i *appliancepb.Interface) bool { return i.GetName() == name })
		if i < 0 {
			b.t.Errorf("no interface %s", name)
			continue
		}
		// QEMU's user and datagram networks have one pair of queues.
		n := f.GetInterfaces()[i]
		if n.GetMac() != mac || n.GetDriver() != "virtio_net" || n.GetRxQueues() != 1 || n.GetTxQueues() != 1 || !n.GetLinkUp() || n.GetAfXdp() != "yes" {
			b.t.Errorf("%v", n)
		}
		b.t.Logf("%v", n)
	}
}

// version returns that of an image, as its manifest has it.
func version(t *testing.T, i vm.Image) string {
	t.Helper()
	text, err := os.ReadFile(i.File("manifest.json"))
	var m struct{ Version string }
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil || m.Version == "" {
		t.Fatalf("the image's manifest has no version: %v", err)
	}
	return m.Version
}

// listeners fails the test if anything but the API can be reached, or is not
// well.
func (b *box) listeners() {
	want := fmt.Sprintf("[tcp6 [::]:%d]", vm.APIPort)
	var got []string
	for _, l := range b.getFacts(false).GetListeners() {
		got = append(got, fmt.Sprintf("%s [%s]:%d", l.GetProtocol(), l.GetAddress(), l.GetPort()))
	}
	if fmt.Sprint(got) != want {
		b.t.Errorf("listening: %v, want %s", got, want)
	}
	for name, c := range b.health() {
		if !c.GetOk() && name != "image.data" { // this machine has no disk for it
			b.t.Errorf("%v", c)
		}
	}
}

// health returns the conditions by name.
func (b *box) health() map[string]*appliancepb.Condition {
	b.t.Helper()
	return health(b.ctx, b.t, b.conn)
}

func health(ctx context.Context, t *testing.T, conn *grpc.ClientConn) map[string]*appliancepb.Condition {
	t.Helper()
	r, err := appliancepb.NewApplianceClient(conn).GetHealth(ctx, &appliancepb.GetHealthRequest{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*appliancepb.Condition{}
	for _, c := range r.GetConditions() {
		all[c.GetName()] = c
	}
	return all
}

// unwell waits until all is well with a box but for what is named, with its
// reason: what init finds is looked at again and again.
func unwell(ctx context.Context, t *testing.T, conn *grpc.ClientConn, reasons map[string]string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		all := health(ctx, t, conn)
		var wrong []string
		for name, c := range all {
			if reason, bad := reasons[name]; c.GetOk() == bad || !strings.Contains(c.GetReason(), reason) {
				wrong = append(wrong, c.String())
			}
		}
		for name := range reasons {
			if all[name] == nil {
				wrong = append(wrong, name+" is missing")
			}
		}
		if wrong == nil {
			return
		}
		if time.Now().After(end) {
			t.Errorf("health: %v, want %v", wrong, reasons)
			return
		}
	}
}
