// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
)

// What the state of a socket that waits for others is called
// (include/net/tcp_states.h); sockets of UDP that are not connected are
// "closed".
const (
	tcpListen = "0A"
	udpOpen   = "07"
)

// listeners reads the tables of sockets (Documentation/networking/proc_net_tcp)
// of the network namespace that the caller is in.
func listeners(dir string) []*appliancepb.Listener {
	var list []*appliancepb.Listener
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := os.ReadFile(filepath.Join(dir, protocol))
		if err != nil {
			continue
		}
		state := tcpListen
		if strings.HasPrefix(protocol, "udp") {
			state = udpOpen
		}
		var found []netip.AddrPort
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line) // sl local_address rem_address st …
			if len(f) < 4 || f[3] != state {
				continue
			}
			if a, ok := socketAddress(f[1]); ok {
				found = append(found, a)
			}
		}
		slices.SortFunc(found, netip.AddrPort.Compare)
		for _, a := range slices.Compact(found) {
			list = append(list, &appliancepb.Listener{Protocol: protocol, Address: a.Addr().String(), Port: uint32(a.Port())})
		}
	}
	return list
}

// socketAddress reads "0100007F:1F90": the address in words of 32 bits, each
// as this machine has them in memory, and the port.
func socketAddress(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	a, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a, uint16(n)), ok
}
