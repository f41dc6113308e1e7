// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command bessctl watches and changes the pipeline of a running bessd.
package main

import (
	"os"

	"github.com/bessform/terraform-provider-bess/appliance/cli"
	"github.com/bessform/terraform-provider-bess/appliance/internal/version"
)

func main() {
	os.Exit(cli.Main(version.String(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
