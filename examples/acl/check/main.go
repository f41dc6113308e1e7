// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command check judges what the demonstration has done. It knows nothing of
// the appliance but what bessctl prints as JSON.
//
//	check pcap out.pcap expected.pcap         the same packets in the same order?
//	check table show.json expected.json       every packet in its place?
//	check balance show.json                   sent = received + dropped by rule?
//
// show.json has two values, one after the other: the outputs of
// "bessctl -o json show module fw" and "bessctl -o json show port".
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: check pcap OUT EXPECTED | table SHOW EXPECTED | balance SHOW")

func run(args []string, w io.Writer) error {
	files := make([][]byte, max(len(args), 1)-1)
	for i := range files {
		var err error
		if files[i], err = os.ReadFile(args[i+1]); err != nil {
			return err
		}
	}
	switch {
	case len(files) == 2 && args[0] == "pcap":
		return comparePcap(w, files[0], files[1])
	case len(files) == 2 && args[0] == "table":
		return table(w, files[0], files[1])
	case len(files) == 1 && args[0] == "balance":
		return balance(w, files[0])
	}
	return errUsage
}
