// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// stored is a box with a disk.
type stored struct {
	*box
	disk  *dataDisk
	image vm.Image
	seed  vm.Disk
}

// variant returns one of the declarations that the box is told: they differ
// in their modules.
func variant(n int) string {
	return fmt.Sprintf(`apiVersion: bess.dev/v1
kind: Pipeline
spec:
  workers:
    0: {core: 1}
  modules:
    out%d: {class: Sink}
    src%d: {class: Source}
  links:
    - src%d -> out%d
`, n, n, n, n)
}

func newStored(t *testing.T) *stored {
	t.Helper()
	s := &stored{box: &box{operator: newOperator(t)}, image: image(t)}
	s.disk = newDisk(t, s.image)
	s.seed = writeSeed(t, seedHead+"hostname: edge-3\n"+s.tls()+"declaration:\n"+indent(variant(0)))
	return s
}

// boot starts the box and waits until it answers.
func (s *stored) boot() {
	s.t.Helper()
	began := time.Now()
	s.m, s.ctx = start(s.t, s.image.Direct(vm.Config{Disks: []vm.Disk{s.disk.vm(), s.seed}, NICs: []vm.NIC{{}}}))
	s.conn = s.dial(s.ctx, s.m)
	took(s.t, "power on to healthy, direct kernel", began)
}

// off switches the box off in order.
func (s *stored) off() {
	s.t.Helper()
	if _, err := appliancepb.NewApplianceClient(s.conn).Shutdown(s.ctx, &appliancepb.ShutdownRequest{}); err != nil {
		s.t.Fatal(err)
	}
	if err := s.m.WaitEnd(s.ctx); err != nil {
		s.t.Fatal(err)
	}
}

// apply applies variants until the box does not answer any more, and returns
// the last one that was confirmed, and the one on its way then.
func (s *stored) apply(ctx context.Context, from int, confirmed chan<- int) (last, pending int) {
	p := declarepb.NewPipelinesClient(s.conn)
	for n := from; ; n++ {
		if _, err := p.Apply(ctx, &declarepb.ApplyRequest{Documents: documents(variant(n))}); err != nil {
			return n - 1, n
		}
		confirmed <- n
	}
}

// The power fails, and the box is rebooted, while declarations are applied
// one after another. What was confirmed last runs afterwards, or what was on
// its way: whole, and never neither.
func TestPowerCut(t *testing.T) {
	full(t)
	s := newStored(t)
	s.boot()
	next := 1
	for i, cut := range []struct {
		name string
		do   func()
	}{
		{"power cut", s.cut}, {"power cut", s.cut}, {"reboot", s.reboot},
	} {
		confirmed := make(chan int, 1<<16)
		result := make(chan [2]int, 1)
		ctx, cancel := context.WithCancel(s.ctx)
		go func() {
			last, pending := s.apply(ctx, next, confirmed)
			result <- [2]int{last, pending}
		}()
		for range 2 + 3*i {
			select {
			case <-confirmed:
			case <-s.ctx.Done():
				t.Fatal("nothing is applied")
			}
		}
		time.Sleep(time.Duration(i) * 7 * time.Millisecond) // somewhere within the next one
		cut.do()
		r := <-result
		cancel()
		if cut.name != "reboot" {
			s.boot()
		}
		got := modules(s.ctx, t, s.conn)
		t.Logf("%s: %d was confirmed, %d on its way; %s runs", cut.name, r[0], r[1], got)
		if got != fmt.Sprintf("[out%d src%d]", r[0], r[0]) && got != fmt.Sprintf("[out%d src%d]", r[1], r[1]) {
			t.Errorf("after a %s %s runs, neither variant %d nor %d", cut.name, got, r[0], r[1])
		}
		for _, name := range []string{"image.data", "image.seed", "store", "pipeline"} {
			s.well(name)
		}
		next = r[1] + 1
	}
	s.off()
	s.disk.clean()
}

// well waits until a condition is well: what init finds is looked at again and
// again.
func (s *stored) well(name string) {
	s.t.Helper()
	for end := time.Now().Add(patience); !s.health()[name].GetOk(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Errorf("%s: %v", name, s.health()[name])
			return
		}
	}
}

// cut takes the power away.
func (s *stored) cut() { s.m.Kill() }

// reboot has the box start anew, in the same machine.
func (s *stored) reboot() {
	began := time.Now()
	if _, err := appliancepb.NewApplianceClient(s.conn).Reboot(s.ctx, &appliancepb.RebootRequest{}); err != nil {
		s.t.Fatal(err)
	}
	must(s.ctx, s.t, s.m, `init: reboot: requested`)
	must(s.ctx, s.t, s.m, `(?s)going down.*init: bessd answers`)
	s.wait(s.ctx, s.conn)
	took(s.t, "reboot to healthy, direct kernel", began)
}

// Files of the store are damaged or gone: the box can be reached, says what
// is wrong, and runs the newest declaration that is left.
func TestDamagedStore(t *testing.T) {
	full(t)
	s := newStored(t)
	s.boot()
	p := declarepb.NewPipelinesClient(s.conn)
	for n := 1; n <= 2; n++ {
		if _, err := p.Apply(s.ctx, &declarepb.ApplyRequest{Documents: documents(variant(n))}); err != nil {
			t.Fatal(err)
		}
	}
	s.off()

	s.damage(func(files []string) { s.disk.flip(files[len(files)-1]) })
	s.expect("the newest is damaged", "[out1 src1]", "an earlier one was applied")

	s.damage(func(files []string) {
		for _, f := range files {
			s.disk.flip(f)
		}
	})
	s.expect("all are damaged", "[]", "there is no other; the pipeline is empty")

	// Without a store the box is as new: the seed counts.
	s.damage(func([]string) {
		for _, f := range s.disk.stored() {
			s.disk.remove(f)
		}
		s.disk.debugfs("cd /\nrmdir store")
	})
	s.expect("the store is gone", "[out0 src0]", "")
}

// damage does something to the files of the store.
func (s *stored) damage(do func(files []string)) {
	s.t.Helper()
	s.disk.clean()
	do(s.disk.generations())
	s.disk.write()
}

// expect boots the box, and compares what runs, and what it says about that.
func (s *stored) expect(what, running, reason string) {
	s.t.Helper()
	s.boot()
	if got := modules(s.ctx, s.t, s.conn); got != running {
		s.t.Errorf("%s: %s runs, want %s", what, got, running)
	}
	c := s.health()["pipeline"]
	if c.GetOk() != (reason == "") || !strings.Contains(c.GetReason(), reason) {
		s.t.Errorf("%s: %v, want %q", what, c, reason)
	}
	s.t.Logf("%s: %s runs; %s", what, running, c.GetReason())
	s.off()
}
