// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SenderOptions say how OpenPacketSender's socket is to be.
type SenderOptions struct {
	// Bypass goes past the interface's queueing discipline straight to its
	// driver. What that has no room for is lost.
	Bypass bool
	// Header makes every message begin with a virtio header of VnetSize bytes
	// in the machine's byte order.
	Header bool
}

// OpenPacketSender returns a non-blocking socket that sends whole Ethernet
// frames out of an interface and receives nothing.
func OpenPacketSender(ifindex int, o SenderOptions) (_ int, err error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", rawSocketError(err))
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, queueBytes)
	if o.Bypass {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return -1, fmt.Errorf("packet socket: bypass of the queueing discipline: %w", err)
		}
	}
	if o.Header {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
			return -1, fmt.Errorf("packet socket: virtio header: %w", err)
		}
	}
	return fd, BindPacketSender(fd, ifindex)
}

// BindPacketSender makes a socket of OpenPacketSender send out of an
// interface, another one than before if need be.
func BindPacketSender(fd, ifindex int) error {
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifindex}); err != nil {
		return fmt.Errorf("packet socket: bind to interface %d: %w", ifindex, err)
	}
	return nil
}

// Flags asks the kernel for the flags of an interface (netdevice(7)), again and
// again. It belongs to one worker at a time.
type Flags struct {
	name  [unix.IFNAMSIZ]byte
	flags uint16
	_     [22]byte
}

// NewFlags returns what asks for the flags of the interface of a name.
func NewFlags(name string) *Flags {
	f := &Flags{}
	copy(f.name[:unix.IFNAMSIZ-1], name)
	return f
}

// Running reports whether the kernel lets packets out of the interface, in the
// namespace of a socket: it is up and has a link. Of one that there is not it
// says so, too: sending fails then.
func (f *Flags) Running(fd int) bool {
	f.flags = 0
	_, _, e := unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCGIFFLAGS, uintptr(unsafe.Pointer(f)))
	return e != 0 || f.flags&unix.IFF_RUNNING != 0
}

// VnetHeader is struct virtio_net_hdr (VIRTIO 1.2, 5.1.6) of a packet that is
// to be cut: kind and size of the pieces, the bytes of headers each begins
// with, and where its checksum starts and is stored.
type VnetHeader struct {
	Kind                         Offload
	Size, Header, SumFrom, SumAt int
}

// Put writes the header into b, VnetSize bytes.
func (h VnetHeader) Put(b []byte) {
	b[0], b[1] = vnetNeedsSum, byte(h.Kind)
	for i, v := range []int{h.Header, h.Size, h.SumFrom, h.SumAt - h.SumFrom} {
		binary.NativeEndian.PutUint16(b[2+2*i:], uint16(v))
	}
}

// OpenPromiscuous makes an interface of the current network namespace receive
// frames for others, too, until the descriptor is closed.
func OpenPromiscuous(ifindex int) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	mreq := unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// LinkMode returns what the driver of an interface of the current network
// namespace says of its link: speed in Mbit/s (0: unknown), duplex and
// autonegotiation; false if it says nothing.
func LinkMode(name string) (mbps uint32, full, autoneg, ok bool) {
	cmd := make([]byte, 44) // struct ethtool_cmd
	if !ethtool(name, unix.ETHTOOL_GSET, cmd) {
		return 0, false, false, false
	}
	mbps = uint32(binary.NativeEndian.Uint16(cmd[12:])) | uint32(binary.NativeEndian.Uint16(cmd[28:]))<<16
	if mbps == 1<<32-1 || mbps == 1<<16-1 {
		mbps = 0 // what drivers say that do not know
	}
	return mbps, cmd[14] == 1, cmd[18] == 1, true
}

// Channels returns how many queues an interface of the current network
// namespace uses in each direction; false if its driver does not say.
func Channels(name string) (rx, tx int, ok bool) {
	cmd := make([]byte, 36) // struct ethtool_channels
	if !ethtool(name, unix.ETHTOOL_GCHANNELS, cmd) {
		return 0, 0, false
	}
	both := int(binary.NativeEndian.Uint32(cmd[32:]))
	return int(binary.NativeEndian.Uint32(cmd[20:])) + both, int(binary.NativeEndian.Uint32(cmd[24:])) + both, true
}

// SetReceiveOffload switches the generic receive offload of an interface of the
// current network namespace and reports whether that could be done.
func SetReceiveOffload(name string, on bool) bool {
	cmd := make([]byte, 8) // struct ethtool_value
	if on {
		binary.NativeEndian.PutUint32(cmd[4:], 1)
	}
	return ethtool(name, unix.ETHTOOL_SGRO, cmd)
}

// ethtool asks the driver of an interface and reports whether it answered.
// What it says is written to answer, which begins with the question.
func ethtool(name string, question uint32, answer []byte) bool {
	fd, e := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if e != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	binary.NativeEndian.PutUint32(answer, question)
	req := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&answer[0])}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	_, _, err := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	return err == 0
}
