// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"context"
	"strings"
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// lines returns those of the log that contain all pieces.
func (p *proc) lines(pieces ...string) (found []string) {
next:
	for _, l := range strings.Split(p.log.String(), "\n") {
		for _, piece := range pieces {
			if !strings.Contains(l, piece) {
				continue next
			}
		}
		found = append(found, l)
	}
	return found
}

// A port whose interface is deleted is told of, in the log and in the health,
// whatever drives it; and so is its return.
func TestInterfaceIsDeletedAndComesAgain(t *testing.T) {
	h := newHost(t)
	p := h.daemon(t)
	conn := p.dial()
	serving := func() {
		t.Helper()
		for _, service := range []string{"", "pipeline", "bess.pb.BESSControl"} {
			r, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{Service: service})
			if err != nil || r.GetStatus() != healthpb.HealthCheckResponse_SERVING {
				t.Errorf("service %q: %v %v", service, r, err)
			}
		}
	}
	for _, k := range []struct{ driver, args, mode string }{
		{"AFPacketPort", "{interface: near}", "packet sockets, ring of "},
		{"AFXDPPort", "{ifname: near}", "AF_XDP, "},
		{"PCAPPort", "{dev: near}", "packet sockets, ring of "},
		{"PMDPort", `{vdev: "net_af_packet0,iface=near"}`, "packet sockets, ring of "},
	} {
		t.Run(k.driver, func(t *testing.T) {
			name := strings.ToLower(k.driver)
			h.mustApply(t, p, "  ports: {"+name+": {driver: "+k.driver+", args: "+k.args+"}}\n")
			if out, err := h.bessctl(p, "health"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			h.ns.Delete("near")
			var out string
			testenv.Eventually(t, "the health tells", func() (told bool) {
				var err error
				out, err = h.bessctl(p, "health")
				return err != nil && strings.Contains(out, "port "+name+" ("+k.driver+"): interface near is away since ")
			})
			serving()
			if l := p.lines("WARN", "the interface of a port is away", name); len(l) != 1 ||
				!strings.Contains(l[0], "was deleted or moved to another network namespace") {
				t.Errorf("%q\n%s", l, p.log)
			}
			h.ns.Veth("near", "far")
			testenv.Eventually(t, "all is well", func() bool { _, err := h.bessctl(p, "health"); return err == nil })
			testenv.Eventually(t, "the return is logged", func() bool { return len(p.lines("the interface of a port is back", name)) > 0 })
			if l := p.lines("INFO", "the interface of a port is back", name); len(l) != 1 || !strings.Contains(l[0], k.mode) {
				t.Errorf("%q\n%s", l, p.log)
			}
			if l := p.lines("the interface of a port is", name); len(l) != 2 {
				t.Errorf("%q", l)
			}
			h.mustApply(t, p, "  ports: {}\n")
		})
	}
}

// Interfaces that ports make come back so quickly that nobody sees them missing:
// that it happened is in the log.
func TestInterfaceOfAPortIsDeleted(t *testing.T) {
	h := newHost(t)
	p := h.daemon(t)
	h.mustApply(t, p, `
  ports:
    tap: {driver: TAPPort, args: {ifname: tap9}}
    cable: {driver: VethPort, args: {ifname: far9, engine_ifname: near9}}
`)
	for port, k := range map[string]struct{ name, mode string }{
		"tap":   {"tap9", "TAP device with 1 queues"},
		"cable": {"near9", "packet sockets, ring of "},
	} {
		h.ns.Delete(k.name)
		testenv.Eventually(t, port+" is back", func() bool {
			return len(p.lines("INFO", "the interface of a port is back", "port="+port, "interface="+k.name, k.mode)) == 1
		})
		if l := p.lines("WARN", "the interface of a port is away", "port="+port, "interface="+k.name, "was deleted"); len(l) != 1 {
			t.Errorf("%q\n%s", l, p.log)
		}
	}
	testenv.Eventually(t, "all is well", func() bool { _, err := h.bessctl(p, "health"); return err == nil })
}
