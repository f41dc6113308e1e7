// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// wire is a cable to an interface of a machine: a datagram is a frame.
type wire struct {
	conn  *net.UnixConn
	there *net.UnixAddr
}

func newWire(t *testing.T, dir, name string) *wire {
	t.Helper()
	here := &net.UnixAddr{Name: filepath.Join(dir, name+".host"), Net: "unixgram"}
	c, err := net.ListenUnixgram("unixgram", here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &wire{c, &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unixgram"}}
}

// nic is the machine's end.
func (w *wire) nic(mac string) vm.NIC {
	return vm.NIC{MAC: mac, Local: w.there.Name, Remote: w.conn.LocalAddr().String()}
}

// patience is how long a frame may take. A lost one costs as much, so that it
// is only for a host that is very busy.
const patience = 30 * time.Second

func (w *wire) send(frame []byte) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := w.conn.WriteToUnix(frame, w.there)
	return err
}

// receive returns the next frame that a test has made; what the machine says
// by itself is left out. nil: none came in time.
func (w *wire) receive(wait time.Duration) ([]byte, error) {
	buf := make([]byte, 10000)
	_ = w.conn.SetReadDeadline(time.Now().Add(wait))
	for {
		n, _, err := w.conn.ReadFromUnix(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if n >= 14 && bytes.Equal(buf[6:12], ours) {
			return buf[:n], nil
		}
	}
}

// ours is the source address of all frames of tests.
var ours = net.HardwareAddr{2, 0, 0, 0, 0, 1}

// Destinations of frames, as UDP ports.
const (
	plain   = 4000
	marked  = 7
	dropped = 9
)

// offset of the number in a frame: Ethernet, IPv4 and UDP are before it.
const numberAt = 14 + 20 + 8

// frame makes a frame with a number, of a length that depends on it.
func frame(number uint32, port uint16) []byte {
	payload := make([]byte, 18+int(number)*37%1455) // 60 to 1514 bytes in all
	binary.BigEndian.PutUint32(payload, number)
	for i := 4; i < len(payload); i++ {
		payload[i] = byte(int(number) + i)
	}
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{198, 51, 100, 1}}
	udp := &layers.UDP{SrcPort: 1024, DstPort: layers.UDPPort(port)}
	_ = udp.SetNetworkLayerForChecksum(ip)
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: ours, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4},
		ip, udp, gopacket.Payload(payload))
	if err != nil {
		panic(err) // nothing in it comes from outside
	}
	return b.Bytes()
}

// numberOf returns the number of a frame.
func numberOf(frame []byte) uint32 { return binary.BigEndian.Uint32(frame[numberAt:]) }
