// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "golang.org/x/sys/cpu"

func hashFlows4(ps []Packet, hashes *[BatchSize]uint32) (other uint64) {
	if !cpu.X86.HasSSE42 {
		return all(ps)
	}
	return hashFlows4SSE42(ps, hashes)
}

//go:noescape
func hashFlows4SSE42(ps []Packet, hashes *[BatchSize]uint32) (other uint64)
