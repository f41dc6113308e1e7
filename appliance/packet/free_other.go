// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

func put(dst, ps []Packet) (links uintptr) { return putPortable(dst, ps) }
