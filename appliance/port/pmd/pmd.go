// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package pmd is the driver PMDPort: the devices of DPDK that have an
// equivalent here (spec: ports.md sections 2.1 and 3).
package pmd

import (
	"fmt"
	"net"
	"regexp"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Driver attaches a device named the way DPDK names devices:
//
//	pci      dddd:bb:dd.f: the interface with that hardware
//	port_id  the interface of that number; see netinfo.Numbered
//	vdev
//	      net_pcap<N>,rx_pcap=FILE,…[,tx_pcap=FILE,…][,infinite_rx=1]
//	      net_pcap<N>,iface=IF  or  rx_iface=IF[,tx_iface=IF]
//	      net_af_packet<N>,iface=IF[,qpairs=N][,framecnt=1024][,qdisc_bypass=0|1][,fanout_mode=hash]
//	      net_af_xdp<N>,iface=IF[,start_queue=0][,queue_count=N][,shared_umem=0|1][,busy_budget=N][,force_copy=0|1]
//	      net_null<N>[,size=64][,copy=0|1][,no-rx=0|1]
//	      net_ring<N>[,ring=NAME]
//	      net_tap<N>[,iface=IF][,mac=fixed|MAC][,persist=0|1]
//	      net_vhost<N>,iface=SOCKET[,queues=1][,client=0|1]
//	      virtio_user<N>,path=SOCKET[,queues=1][,queue_size=N][,server=0|1][,mac=MAC]
//
// Every other device answers ENODEV.
var Driver = &port.Driver{
	Name:   "PMDPort",
	Prefix: "pmd_port",
	Help:   "attaches a device by DPDK's names: network interfaces, capture files, or a generator and sink",
	Arg:    &PMDPortArg{},
	New:    port.New(create),
}

const (
	// maxPortID is the size of the original's table of devices.
	maxPortID = 32
	// The limits of SetConf, in bytes.
	minMTU, maxMTU = 68, 2048
	// maxNode is the highest NUMA node that can be named.
	maxNode = 63
)

// pciAddress is what the original takes for one.
var pciAddress = regexp.MustCompile(`^([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\.[0-9a-fA-F]{1,2}$`)

// create attaches the device. The order of the checks is part of the
// specification. Errors: EINVAL for an argument that is wrong in itself,
// ENODEV for a device that does not exist, ENOTSUP for offloads, and what
// opening files and interfaces answers.
func create(cfg *port.Config, arg *PMDPortArg) (port.Device, error) {
	dev, err := find(arg)
	if err != nil {
		return nil, err
	}
	// Reasons against it are looked for in the device first, and nothing is
	// changed before all have been.
	if err := dev.prepare(cfg); err != nil {
		dev.Close()
		return nil, attachError(arg, err)
	}
	if err := checkFeatures(arg); err != nil {
		dev.Close()
		return nil, err
	}
	if err := dev.open(cfg); err != nil {
		dev.Close()
		return nil, attachError(arg, err)
	}
	if n, ok := dev.(*nic); ok {
		if _, large := n.inner.(port.LargeSender); large {
			return largeNIC{n}, nil
		}
	}
	return dev, nil
}

// device is a port.Device in the making: prepare finds out whether it can be
// opened, open then opens it. Close is right at any time.
type device interface {
	port.Device
	prepare(cfg *port.Config) error
	open(cfg *port.Config) error
}

// attachError says which device an error belongs to; the code stays.
func attachError(arg *PMDPortArg, err error) error {
	switch p := arg.GetPort().(type) {
	case *PMDPortArg_PortId:
		return errno.Wrap(err, "Cannot attach port id %d", p.PortId)
	case *PMDPortArg_Pci:
		return errno.Wrap(err, "Cannot attach PCI device %s", p.Pci)
	}
	return errno.Wrap(err, "Cannot attach vdev %s", arg.GetVdev())
}

// find returns the device that arg names, not open yet.
func find(arg *PMDPortArg) (device, error) {
	s := settings{nodes: nodeMask(arg), promiscuous: arg.GetPromiscuousMode(), vain: vain(arg)}
	switch p := arg.GetPort().(type) {
	case *PMDPortArg_PortId:
		return byNumber(p.PortId, s)
	case *PMDPortArg_Pci:
		return byPCI(p.Pci, s)
	case *PMDPortArg_Vdev:
		if p.Vdev == "" {
			return nil, errno.Errorf(errno.EINVAL, "No vdev specified")
		}
		return findVdev(p.Vdev, s)
	}
	return nil, errno.Errorf(errno.EINVAL, "No port specified")
}

// findVdev returns the software device of that description.
func findVdev(text string, s settings) (device, error) {
	v, err := parseVdev(text)
	create, known := kinds[v.kind]
	if !known {
		return nil, errno.Errorf(errno.ENODEV, "Cannot attach vdev %s", text)
	}
	var dev device
	if err == nil {
		dev, err = create(v, s)
	}
	if err != nil {
		return nil, errno.Wrap(err, "Cannot attach vdev %s", text)
	}
	return dev, nil
}

// checkFeatures judges the rest of the argument. Promiscuous mode is always on
// but with AF_XDP, received checksums need no hardware, and with every packet in the queue
// it came in flow profiles have nothing to steer.
func checkFeatures(arg *PMDPortArg) error {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"loopback", arg.GetLoopback()},
		{"vlan_offload_rx_strip", arg.GetVlanOffloadRxStrip()},
		{"vlan_offload_rx_filter", arg.GetVlanOffloadRxFilter()},
		{"vlan_offload_rx_qinq", arg.GetVlanOffloadRxQinq()},
	} {
		if f.set {
			return errno.Errorf(errno.ENOTSUP, "%s: true: the device cannot do that", f.name)
		}
	}
	if s, ok := arg.GetSocket().(*PMDPortArg_SocketId); ok && (s.SocketId < -1 || s.SocketId > maxNode) {
		return errno.Errorf(errno.EINVAL, "socket_id: %d: must be -1 (any) or 0..%d", s.SocketId, maxNode)
	}
	if s, ok := arg.GetSocket().(*PMDPortArg_SocketId); ok && s.SocketId >= 0 && !sys.NodeExists(int(s.SocketId)) {
		return errno.Errorf(errno.EINVAL, "socket_id: %d: the machine has no such NUMA node", s.SocketId)
	}
	for i, p := range arg.GetFlowProfiles() {
		if p != 3 && p != 6 && p != 9 {
			return errno.Errorf(errno.EINVAL, "Unknown flow profile %d: flow_profiles[%d]: must be 3, 6 or 9", p, i)
		}
	}
	return nil
}

// vain tells what of arg has no effect.
func vain(arg *PMDPortArg) (notes []string) {
	if arg.GetHwcksum() {
		notes = append(notes, "hwcksum has no effect: no hardware is asked to check checksums")
	}
	if p := arg.GetFlowProfiles(); len(p) > 0 {
		notes = append(notes, fmt.Sprintf("flow_profiles %v have no effect: packets stay in the queue that the device or the kernel chooses", p))
	}
	return notes
}

// nodeMask returns the NUMA nodes that arg allows.
func nodeMask(arg *PMDPortArg) uint64 {
	if s, ok := arg.GetSocket().(*PMDPortArg_SocketId); ok && s.SocketId >= 0 && s.SocketId <= maxNode {
		return 1 << s.SocketId
	}
	return ^uint64(0)
}

// settings is what all devices of the driver have in common.
type settings struct {
	nodes       uint64
	promiscuous bool // for devices that have a choice
	vain        []string
}

// Notes tell what was set in vain.
func (s settings) Notes() []string { return s.vain }

// NodeMask returns the NUMA nodes the port is restricted to.
func (s settings) NodeMask() uint64 { return s.nodes }

// SetConf accepts any settings within the limits of the driver: the device
// has nothing they would change. Port keeps them.
func (s settings) SetConf(mtu int, _ net.HardwareAddr, _ bool) error { return checkMTU(mtu) }

// checkMTU checks a new MTU; 0 means that it stays.
func checkMTU(mtu int) error {
	if mtu != 0 && (mtu < minMTU || mtu > maxMTU) {
		return errno.Errorf(errno.EINVAL, "mtu should be >= %d and <= %d: mtu %d", minMTU, maxMTU, mtu)
	}
	return nil
}

// setQueues makes the number of queues of a direction what the device has.
// One queue, the default, leaves the choice to the device.
func setQueues(field string, n *int, has int) error {
	if *n > 1 && *n != has {
		return fmt.Errorf("%s: %d: the device has %d", field, *n, has)
	}
	*n = has
	return nil
}
