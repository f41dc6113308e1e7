// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

func readTuples(ps []Packet, out *[BatchSize]tuple) bool { return readTuplesPortable(ps, out[:]) }
