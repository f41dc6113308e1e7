// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/google/gopacket/pcapgo"
)

// readPcap returns the packets of a recording.
func readPcap(what string, file []byte) ([][]byte, error) {
	r, err := pcapgo.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	var list [][]byte
	for {
		p, info, err := r.ReadPacketData()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("%s: packet %d: %w", what, len(list)+1, err)
		case info.Length != len(p):
			return nil, fmt.Errorf("%s: packet %d: %d bytes recorded of %d", what, len(list)+1, len(p), info.Length)
		}
		list = append(list, p)
	}
}

// comparePcap fails unless both files hold the same packets in the same order,
// byte for byte. The times differ: they tell when a packet was written.
func comparePcap(w io.Writer, gotFile, wantFile []byte) error {
	got, err := readPcap("written", gotFile)
	if err != nil {
		return err
	}
	want, err := readPcap("expected", wantFile)
	if err != nil {
		return err
	}
	size := 0
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			return fmt.Errorf("packet %d: byte %d differs:\n  written  %x\n  expected %x", i+1, firstDifference(got[i], want[i]), got[i], want[i])
		}
		size += len(got[i])
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d packets were written, %d are expected", len(got), len(want))
	}
	_, err = fmt.Fprintf(w, "%d packets, %d bytes: every byte is as expected\n", len(got), size)
	return err
}

// firstDifference returns the index of the first byte that differs.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
