// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// reseeded is a disk that is booted with one seed after another.
type reseeded struct {
	t    *testing.T
	disk *dataDisk
	ctl  *ctl
	m    *vm.VM
	ctx  context.Context
	conn *grpc.ClientConn
	// random is what the last boot left for the kernel's pool of random numbers.
	random string
}

// boot starts a machine with the disk and a seed; if it is to enrol, with the
// seed's token.
func (r *reseeded) boot(uuid, seed, enrolWith string) {
	r.t.Helper()
	r.m, r.ctx = start(r.t, image(r.t).Direct(vm.Config{Disks: []vm.Disk{r.disk.vm(), writeSeed(r.t, seedHead+seed)}, NICs: []vm.NIC{{}}, UUID: uuid}))
	must(r.ctx, r.t, r.m, `init: bessd answers`)
	if enrolWith != "" {
		_, fingerprint := announced(r.t, r.m, `token_sha256=([0-9a-f]{64})`)
		if out, status := r.ctl.enroll(r.m, enrolWith, fingerprint); status != 0 {
			r.t.Fatalf("enrol: exit status %d: %s", status, out)
		}
	}
	r.conn = r.ctl.dial(r.m)
}

// runs fails the test unless a variant runs.
func (r *reseeded) runs(n int) {
	r.t.Helper()
	if got, want := modules(r.ctx, r.t, r.conn), fmt.Sprintf("[out%d src%d]", n, n); got != want {
		r.t.Fatalf("%s runs, want %s", got, want)
	}
}

func (r *reseeded) apply(n int) {
	r.t.Helper()
	if _, err := declarepb.NewPipelinesClient(r.conn).Apply(r.ctx, &declarepb.ApplyRequest{Documents: documents(variant(n))}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reseeded) off() {
	r.t.Helper()
	if _, err := appliancepb.NewApplianceClient(r.conn).Shutdown(r.ctx, &appliancepb.ShutdownRequest{}); err != nil {
		r.t.Fatal(err)
	}
	if err := r.m.WaitEnd(r.ctx); err != nil {
		r.t.Fatal(err)
	}
	r.disk.clean()
	if now := r.disk.content("/", "random-seed"); len(now) != 512 || now == r.random {
		r.t.Errorf("%d bytes are left for the pool of random numbers, want 512 others than before", len(now))
	} else {
		r.random = now
	}
}

// Another seed means another declaration, which replaces the stored one; the
// box and its clients stay the same. One that does not work replaces nothing.
// With a new instance id a cloned disk becomes a box of its own.
func TestAnotherSeed(t *testing.T) {
	full(t)
	const here, there = "0b3c5f1e-8e8a-4b1e-9a34-6e0d5ad0a001", "0b3c5f1e-8e8a-4b1e-9a34-6e0d5ad0a002"
	r := &reseeded{t: t, disk: newDisk(t, image(t)), ctl: newCtl(t)}
	seed := func(token string, n int) string {
		return "enroll: {token: " + token + "}\ndeclaration:\n" + indent(variant(n))
	}
	r.boot(here, seed("first-token-00000001", 0), "first-token-00000001")
	r.runs(0)
	r.apply(1)
	r.off()

	r.boot(here, seed("second-token-00000001", 2), "")
	shows(t, r.m, `init: the seed is another one than before: its declaration replaces the stored one`)
	r.runs(2)
	r.apply(3)
	r.off()

	r.boot(here, strings.Replace(seed("third-token-00000001", 9), "Sink", "Sinc", 1), "")
	shows(t, r.m, `init: ERROR: declaration: bessd does not serve with the one of the seed; the stored one is used: .*Sinc`)
	r.runs(3)
	unwell(r.ctx, t, r.conn, map[string]string{"image.declaration": "Sinc"})
	r.off()

	clone := &reseeded{t: t, disk: r.disk, ctl: newCtl(t)}
	clone.boot(there, "instanceID: edge-2\n"+seed("fourth-token-00000001", 4), "fourth-token-00000001")
	shows(t, clone.m, `init: warning: this machine is new to its data, and so is the seed: the old keys are now in /data/identity\.cloned-`)
	clone.runs(4)
	if out, status := r.ctl.known(clone.m, "health"); status != 1 || !strings.Contains(out, "certificate") {
		t.Errorf("a client of the old box gets into the new one: exit status %d: %s", status, out)
	}
	clone.off()
}
