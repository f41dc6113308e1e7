// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command expect says what the ACL of this example must do with the capture. It shares no code with
// the appliance: it reads the frames with gopacket and applies the rules one after the other, so that
// a mistake in the appliance cannot hide in the expectation.
//
//	go run . -rules ../rules.json -pcap ../expected.pcap -json ../expected.json
//	go run . -summary
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// frame is one packet of a capture.
type frame struct {
	info gopacket.CaptureInfo
	data []byte
}

// readCapture returns the frames of a pcap file.
func readCapture(r io.Reader) ([]frame, error) {
	in, err := pcapgo.NewReader(r)
	if err != nil {
		return nil, err
	}
	var frames []frame
	for {
		data, info, err := in.ReadPacketData()
		switch {
		case errors.Is(err, io.EOF):
			return frames, nil
		case err != nil:
			return nil, fmt.Errorf("packet %d: %w", len(frames)+1, err)
		}
		frames = append(frames, frame{info, data})
	}
}

// writeCapture writes frames as a classic pcap file of Ethernet frames with microseconds.
func writeCapture(w io.Writer, frames []frame) error {
	out := pcapgo.NewWriter(w)
	if err := out.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		return err
	}
	for _, f := range frames {
		if err := out.WritePacket(f.info, f.data); err != nil {
			return err
		}
	}
	return nil
}

// expectation writes what passes the rules to pcap and returns the table as JSON.
func expectation(capture io.Reader, rules []byte, pcap io.Writer) ([]byte, error) {
	list, err := parseRules(rules)
	if err != nil {
		return nil, err
	}
	frames, err := readCapture(capture)
	if err != nil {
		return nil, err
	}
	pass, table := filter(list, frames)
	if err := writeCapture(pcap, pass); err != nil {
		return nil, err
	}
	text, err := json.Marshal(table)
	return append(text, '\n'), err
}

func run(capture, rules, pcap, table string, sum bool) error {
	in, err := os.Open(capture)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read from
	if sum {
		frames, err := readCapture(in)
		if err != nil {
			return err
		}
		fmt.Print(summary(frames))
		return nil
	}
	text, err := os.ReadFile(rules)
	if err != nil {
		return err
	}
	out, err := os.Create(pcap)
	if err != nil {
		return err
	}
	result, err := expectation(in, text, out)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.WriteFile(table, result, 0o644)
}

func main() {
	capture := flag.String("capture", "../traffic.pcap", "`file` with the frames that arrive")
	rules := flag.String("rules", "../rules.json", "`file` with the rules of the ACL")
	pcap := flag.String("pcap", "../expected.pcap", "`file` to write the frames that pass to")
	table := flag.String("json", "../expected.json", "`file` to write the table to")
	sum := flag.Bool("summary", false, "print what is in the capture instead, as a Markdown table")
	flag.Parse()
	if err := run(*capture, *rules, *pcap, *table, *sum); err != nil {
		fmt.Fprintln(os.Stderr, "expect:", err)
		os.Exit(1)
	}
}
