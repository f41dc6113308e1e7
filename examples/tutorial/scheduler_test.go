// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tutorial

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

// stats are the counters of traffic classes, by name of the source or class.
type stats map[string]*api.GetTcStatsResponse

// statsOf reads them all. While the workers run, some are read a moment after
// others; that does not matter where one of them alone is looked at.
func statsOf(d *rig.Daemon) stats {
	s := stats{}
	for _, module := range []string{"urgent", "gold", "silver", "bronze", "tick", "tock", "thin", "rare"} {
		now, err := d.TCStats(context.Background(), "!leaf_"+module+":0")
		d.Must(err)
		s[module] = now
	}
	return s
}

// since returns what a source has used since an earlier reading, and the
// seconds between the two.
func (s stats) since(old stats, name string) (packets, bits, runs, seconds float64) {
	a, b := old[name], s[name]
	return float64(b.GetPackets() - a.GetPackets()), float64(b.GetBits() - a.GetBits()),
		float64(b.GetCount() - a.GetCount()), b.GetTimestamp() - a.GetTimestamp()
}

// figure is a check: what was measured and what it should be.
type figure struct {
	what      string
	got, want float64
}

// off tells whether a figure is off by more than 5 %.
func (f figure) off() bool { return math.IsNaN(f.got) || math.Abs(f.got-f.want) > 0.05*f.want }

// figures compares two readings with the scheduler's settings.
func figures(old, now stats) []figure {
	packets := func(name string) float64 { p, _, _, _ := now.since(old, name); return p }
	urgent, _, _, seconds := now.since(old, "urgent")
	_, thin, _, thinSeconds := now.since(old, "thin")
	_, _, rare, rareSeconds := now.since(old, "rare")
	return []figure{
		{"packets/s of urgent, limited to 100,000", urgent / seconds, 100_000},
		{"gold : silver, shares 170 : 100", packets("gold") / packets("silver"), 1.7},
		{"silver : bronze, shares 100 : 100", packets("silver") / packets("bronze"), 1},
		{"tick : tock, in turn", packets("tick") / packets("tock"), 1},
		{"bits/s of thin, limited to 100 Mbit/s", thin / thinSeconds, 100_000_000},
		{"runs/s of rare, limited to 1000", rare / rareSeconds, 1000},
	}
}

// settle measures over windows of some seconds until all figures are right in
// one of them. Other programs on the machine may spoil a window, not all; and
// the longer one is, the less it matters how long the workers stand still for
// a reading.
func settle(t *testing.T, d *rig.Daemon) {
	t.Helper()
	var old, now stats
	var wrong []string
	for try := range 10 {
		d.Stand(func() { old = statsOf(d) })
		time.Sleep(2 * time.Second << (try / 2)) // 2 to 32 seconds
		d.Stand(func() { now = statsOf(d) })
		wrong = nil
		for _, f := range figures(old, now) {
			if f.off() {
				wrong = append(wrong, fmt.Sprintf("%s: %.4g, want %.4g", f.what, f.got, f.want))
			}
		}

		if len(wrong) == 0 {
			return
		}
	}
	t.Errorf("off by more than 5 %% in every window, in the last one:\n%s", strings.Join(wrong, "\n"))
}

// TestScheduler checks shares and rates, and that the urgent source takes all
// once its limit is out of reach.
func TestScheduler(t *testing.T) {
	if runtime.NumCPU() < 2 { // two workers share the CPU then
		t.Setenv("CORE1", "0")
		t.Setenv("TF_VAR_cores", "[0, 0]")
	}
	each(t, "scheduler", "scheduler.yaml", func(t *testing.T, d *rig.Daemon) {
		settle(t, d)
		const huge = 1e12
		d.Must(d.UpdateTCParams(context.Background(), &api.TrafficClass{
			Name: "limited", Resource: "packet", Limit: map[string]int64{"packet": huge}, MaxBurst: map[string]int64{"packet": huge}}))
		rig.Eventually(t, "the urgent source keeps the others from running", func() bool {
			old := statsOf(d)
			rig.Eventually(t, "the urgent source runs", func() bool {
				n, _, _, _ := statsOf(d).since(old, "urgent")
				return n > 100_000
			})
			gold, _, _, _ := statsOf(d).since(old, "gold")
			return gold == 0
		})
	})
}
