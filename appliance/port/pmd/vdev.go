// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"fmt"
	"strconv"
	"strings"
)

// kinds are the devices there are. A name is that of a kind, a number, and
// perhaps more words: net_pcap, net_pcap0, net_pcap_in.
var kinds = map[string]constructor{
	"net_af_packet": kind(newAFPacket),
	"net_af_xdp":    kind(newAFXDP),
	"net_null":      kind(newNull),
	"net_pcap":      kind(newPcap),
	"net_ring":      kind(newRing),
	"net_tap":       kind(newTap),
	"net_vhost":     kind(newVhost),
	"virtio_user":   kind(newVirtioUser),
}

// constructor makes a device, not open yet, of a description of its kind.
type constructor func(v vdev, s settings) (device, error)

// kind adapts a typed constructor.
func kind[D device](f func(v vdev, s settings) (D, error)) constructor {
	return func(v vdev, s settings) (device, error) {
		d, err := f(v, s)
		if err != nil {
			return nil, err
		}
		return d, nil
	}
}

// vdev is a parsed device description: name[,key=value]...
type vdev struct {
	name string
	// kind is the key in kinds, "" if there is none.
	kind string
	args []keyValue
}

type keyValue struct{ key, value string }

// parseVdev parses a description.
func parseVdev(text string) (vdev, error) {
	parts := strings.Split(text, ",")
	v := vdev{name: parts[0], kind: kindOf(parts[0])}
	for _, p := range parts[1:] {
		key, value, ok := strings.Cut(p, "=")
		if !ok || key == "" || value == "" {
			return v, fmt.Errorf("%q: must be key=value", p)
		}
		if strings.Contains(value, "\x00") {
			return v, fmt.Errorf("%s: %q: must not contain NUL", key, value)
		}
		v.args = append(v.args, keyValue{key, value})
	}
	return v, nil
}

// kindOf returns the kind a device name belongs to, "" if there is none. Names
// that begin with "net" used to begin with "eth".
func kindOf(name string) string {
	if rest, ok := strings.CutPrefix(name, "eth_"); ok {
		name = "net_" + rest
	}
	for k := range kinds {
		rest, ok := strings.CutPrefix(name, k)
		rest = strings.TrimLeft(rest, "0123456789")
		if ok && (rest == "" || rest[0] == '_') {
			return k
		}
	}
	return ""
}

// parseFlag parses the value of a key that turns something on or off.
func parseFlag(a keyValue) (bool, error) {
	switch a.value {
	case "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, fmt.Errorf("%s: %q: must be 0 or 1", a.key, a.value)
}

// parseNumber parses the value of a key that is a number in lo..hi.
func parseNumber(a keyValue, lo, hi int) (int, error) {
	n, err := strconv.Atoi(a.value)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%s: %q: must be a number in %d..%d", a.key, a.value, lo, hi)
	}
	return n, nil
}
