// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

func pushIPv4(ps []Packet, _, _, _, _, _ int) (left uint64) { return all(ps) }

func pullVXLAN(ps []Packet, _, _, _ int) (left uint64) { return all(ps) }
