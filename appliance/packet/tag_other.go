// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

func pushTags(ps []Packet, _, _ uint32) (left uint64) { return all(ps) }

func popTags(ps []Packet, a, b uint16) (left uint64) { return popTagsPortable(ps, a, b) }
