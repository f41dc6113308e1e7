// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package seed reads what a box is told at its first boot: a seed.yaml on a
// volume labelled SEED, or the files of cloud-init's NoCloud data source on
// one labelled CIDATA. Reading is strict: a key that means nothing is an
// error with its place, not a setting that silently does nothing.
//
// The schema of seed.yaml is the documentation of the exported types here; an
// example with every key is images/appliance/seed.example.yaml.
package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
)

// What the first two keys of a seed.yaml must be.
const (
	APIVersion = "bess.dev/v1"
	Kind       = "Seed"
)

// Seed is what a box is told. Everything is optional.
type Seed struct {
	// InstanceID (instanceID) names the box in the eyes of whoever made it. A
	// new one makes a box with used data start again: the declaration of the
	// seed replaces the stored one. Without it the seed's digest decides.
	InstanceID string
	// Hostname (hostname) is a host name (RFC 1123), with or without domain.
	Hostname string
	// Interfaces (network.interfaces) are the network interfaces that have a
	// name or an address. With none, the first that gets a lease is used.
	Interfaces []Interface
	// Nameservers (network.nameservers) are IP addresses.
	Nameservers []netip.Addr
	// TLS (tls) is the box's identity, made elsewhere.
	TLS TLS
	// Token (enroll.token) lets its holder enrol with the box once. The box
	// shows its SHA-256 on the console, never the token.
	Token string
	// Declaration (declaration, or declarationFile for a file on the same
	// volume) is the pipeline to run, as bessctl apply takes it.
	Declaration []byte
	// System (system) divides the machine.
	System System
	// Digest is the SHA-256 of all that was read, in hexadecimal digits.
	Digest string
}

// TLS is a certificate with its key and who may be a client, all PEM.
type TLS struct{ Cert, Key, ClientCA string }

// Interface is one network interface: how it is found, how it is called, and
// what addresses it has. Exactly one of MAC, PCI and Kernel is set.
type Interface struct {
	// MAC (match.mac) is the hardware address.
	MAC net.HardwareAddr
	// PCI (match.pci) is the address on the bus, for example 0000:00:04.0.
	PCI string
	// Kernel (match.name) is the name that the kernel chose.
	Kernel string
	// Name (name) is what it is called from then on, for port drivers.
	Name string
	// DHCP (dhcp) asks for an IPv4 address.
	DHCP bool
	// Addresses (addresses) are static, with prefix length.
	Addresses []netip.Prefix
	// Routes (gateway, and routes of to and via) lead elsewhere.
	Routes []Route
	// MTU (mtu) is in bytes, 0 for the driver's own.
	MTU int
}

// Route leads to a network; the zero prefix length is the default route.
type Route struct {
	To  netip.Prefix
	Via netip.Addr
}

// System divides the machine between packets and everything else.
type System struct {
	// Hugepages2M and Hugepages1G (hugepages.2M, hugepages.1G) are reserved
	// numbers of huge pages.
	Hugepages2M, Hugepages1G int
	// IsolatedCores (isolatedCores, for example "1-3,6") are kept for workers.
	IsolatedCores []int
	// Buffers (buffers) is the number of packet buffers, a power of two; 0
	// takes what suits the machine's memory.
	Buffers int
}

// digest identifies what was read.
func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Files reads a file of the volume by its name.
type Files func(name string) ([]byte, error)
