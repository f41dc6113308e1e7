// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"fmt"
	"strconv"
	"strings"
)

// vdev is a parsed device description: name[,key=value]...
type vdev struct {
	// kind is the name without the number or word that tells devices of one
	// kind apart: "net_pcap" for "net_pcap0" and "net_pcap_in".
	kind string
	args []keyValue
}

type keyValue struct{ key, value string }

// parseVdev parses a description.
func parseVdev(text string) (vdev, error) {
	parts := strings.Split(text, ",")
	v := vdev{kind: kindOf(parts[0])}
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

// kindOf returns the first two words of a device name, without number. Kinds
// that begin with "net" used to begin with "eth".
func kindOf(name string) string {
	words := strings.SplitN(name, "_", 3)
	if len(words) < 2 {
		return name
	}
	if words[0] == "eth" {
		words[0] = "net"
	}
	return words[0] + "_" + strings.TrimRight(words[1], "0123456789")
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
