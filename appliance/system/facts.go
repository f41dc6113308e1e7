// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netinfo"
)

// imageFile says what the machine was booted from: {"version": "…", "slot": "…"}.
const imageFile = "/run/bess/image.json"

// facts collects what the machine is made of. Files that cannot be read are
// left out.
func facts(e *engine.Engine, version string, probe bool) (*appliancepb.GetFactsResponse, error) {
	boot := bootTime()
	img, kept := image(imageFile)
	f := &appliancepb.GetFactsResponse{
		Kernel: word("/proc/sys/kernel/osrelease"), Version: version,
		BootTime: timestamppb.New(boot), Uptime: durationpb.New(time.Since(boot).Round(time.Millisecond)),
		Cores: cores(e.ListWorkers(), e.AllowedCores(), kept), HugePages: hugePages("/sys/kernel/mm/hugepages"), Image: img,
		AfXdp: netinfo.XDPSocket(), AfPacket: netinfo.PacketSocket(), Listeners: listeners("/proc/thread-self/net"),
	}
	f.Hostname, _ = os.Hostname()
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		f.MemoryTotal, f.MemoryAvailable = meminfo(string(b), "MemTotal"), meminfo(string(b), "MemAvailable")
	}
	list, err := netinfo.List()
	if err != nil {
		return nil, err
	}
	for i := range list {
		f.Interfaces = append(f.Interfaces, describe(&list[i], probe))
	}
	return f, nil
}

func describe(i *netinfo.Interface, probe bool) *appliancepb.Interface {
	p := &appliancepb.Interface{Name: strings.ToValidUTF8(i.Name, "?"), Mac: i.MAC, Driver: strings.ToValidUTF8(i.Driver, "?"), BusAddress: strings.ToValidUTF8(i.Bus, "?"),
		RxQueues: uint32(i.RxQueues), TxQueues: uint32(i.TxQueues), AdminUp: i.AdminUp, LinkUp: i.LinkUp,
		SpeedMbps: uint32(i.SpeedMbps), Mtu: uint32(i.MTU)}
	p.XdpNative, p.XdpZerocopy = i.Features()
	if probe {
		p.AfXdp = i.ProbeXDP()
	}
	return p
}

// word reads a file of one line.
func word(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func number(file string) uint64 {
	n, err := strconv.ParseUint(word(file), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// meminfo reads a line such as "MemTotal:  1024 kB" and returns bytes.
func meminfo(text, key string) uint64 {
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if name != key || len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseUint(fields[0], 10, 54)
		if err != nil {
			return 0
		}
		return n << 10
	}
	return 0
}

// cores returns the cores that are on line. kept are those that the machine's
// init keeps for workers: the daemon itself is kept off them, too.
func cores(workers []engine.WorkerStatus, allowed, kept []int) []*appliancepb.Core {
	isolated := parseCores(word("/sys/devices/system/cpu/isolated"))
	var list []*appliancepb.Core
	for _, id := range parseCores(word("/sys/devices/system/cpu/online")) {
		c := &appliancepb.Core{Id: uint32(id), NumaNode: uint32(sys.NodeOf(id)),
			Isolated: slices.Contains(isolated, id) || slices.Contains(kept, id),
			Allowed:  slices.Contains(allowed, id) || slices.Contains(kept, id)}
		for _, w := range workers {
			if w.Core == id {
				c.Workers = append(c.Workers, int64(w.ID))
			}
		}
		list = append(list, c)
	}
	return list
}

// parseCores reads a list such as "0-3,8" (Documentation/admin-guide/cputopology).
func parseCores(text string) []int {
	const most = 1 << 16
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.Atoi(first)
		b := a
		if err == nil && isRange {
			b, err = strconv.Atoi(last)
		}
		if err != nil || a < 0 || b >= most {
			continue
		}
		for i := a; i <= b; i++ {
			list = append(list, i)
		}
	}
	return list
}

// hugePages reads the pools of all sizes (Documentation/admin-guide/mm/hugetlbpage).
func hugePages(dir string) []*appliancepb.HugePages {
	pools, err := filepath.Glob(filepath.Join(dir, "hugepages-*kB"))
	if err != nil {
		return nil
	}
	var list []*appliancepb.HugePages
	for _, p := range pools {
		kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(p), "hugepages-"), "kB"), 10, 54)
		if err != nil {
			continue
		}
		list = append(list, &appliancepb.HugePages{PageBytes: kb << 10,
			Total: number(filepath.Join(p, "nr_hugepages")), Free: number(filepath.Join(p, "free_hugepages"))})
	}
	slices.SortFunc(list, func(a, b *appliancepb.HugePages) int { return int(int64(a.PageBytes>>10) - int64(b.PageBytes>>10)) })
	return list
}

// image reads what the init process wrote: what was booted, nil where there is
// no such process, and the cores that it keeps for workers.
func image(file string) (*appliancepb.Image, []int) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil
	}
	var i struct {
		Version, Slot string
		Isolated      []int
	}
	if json.Unmarshal(b, &i) != nil {
		return nil, nil
	}
	return &appliancepb.Image{Version: strings.ToValidUTF8(i.Version, "?"), Slot: strings.ToValidUTF8(i.Slot, "?")}, i.Isolated
}
