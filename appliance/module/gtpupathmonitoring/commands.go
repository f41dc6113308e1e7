// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpupathmonitoring

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
)

func (m *GtpuPathMonitoring) add(arg *GtpuPathMonitoringCommandAddDeleteArg) error {
	ip := arg.GetGnbIp()
	m.lock.Lock()
	defer m.lock.Unlock()
	t := &m.table
	i, known := find(t.peers, ip)
	if known {
		t.peers[i].refs++
		return nil
	}
	if len(t.peers) >= maxPeers {
		return errno.Errorf(errno.ENOSPC, "gnb_ip: %s: there are %d peers already, which is the limit", header.FormatIPv4(ip), maxPeers)
	}
	p := peer{ip: ip}
	p.reset()
	if j, was := find(t.gone, ip); was {
		p = t.gone[j]
		t.gone = slices.Delete(t.gone, j, j+1)
	}
	p.refs = 1
	t.peers = slices.Insert(t.peers, i, p)
	return nil
}

// remove takes a peer back. Its results stay until the next clear or reading
// that clears.
func (m *GtpuPathMonitoring) remove(arg *GtpuPathMonitoringCommandAddDeleteArg) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	t := &m.table
	i, known := find(t.peers, arg.GetGnbIp())
	if !known {
		return nil
	}
	p := &t.peers[i]
	if p.refs--; p.refs > 0 {
		return nil
	}
	if p.count > 0 && len(t.gone) < maxPeers {
		old := *p
		old.pending = [window / 64]uint64{} // nobody waits for it any more
		j, _ := find(t.gone, old.ip)
		t.gone = slices.Insert(t.gone, j, old)
	}
	t.peers = slices.Delete(t.peers, i, i+1)
	return nil
}

func (m *GtpuPathMonitoring) clear(*GtpuPathMonitoringCommandClearArg) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.table.clear()
	return nil
}

func (m *GtpuPathMonitoring) read(arg *GtpuPathMonitoringCommandReadArg) (*GtpuPathMonitoringCommandReadResponse, error) {
	all := m.snapshot(arg.GetClear())
	slices.SortFunc(all, func(a, b peer) int { return byIP(a, b.ip) })
	r := &GtpuPathMonitoringCommandReadResponse{}
	for i := range all {
		p := &all[i]
		r.Statistics = append(r.Statistics, &GtpuPathMonitoringCommandReadResponse_Statistic{
			GnbIp: p.ip, Count: p.count, LatencyMin: p.min, LatencyMean: p.mean, LatencyMax: p.max,
		})
	}
	return r, nil
}

// snapshot copies all peers with their results, and with clear starts over.
// Memory is made ready before the lock is taken, so that the worker never
// waits for that.
func (m *GtpuPathMonitoring) snapshot(clear bool) []peer {
	for n := 64; ; n *= 2 {
		if all, ok := m.copyTo(make([]peer, 0, n), clear); ok {
			return all
		}
	}
}

// copyTo is snapshot with the room that all has; ok is false if that is too
// little.
func (m *GtpuPathMonitoring) copyTo(all []peer, clear bool) (_ []peer, ok bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	t := &m.table
	if cap(all) < len(t.peers)+len(t.gone) {
		return nil, false
	}
	all = append(append(all, t.peers...), t.gone...)
	if clear {
		for i := range t.peers {
			t.peers[i].reset()
		}
		t.gone = nil
	}
	return all, true
}
