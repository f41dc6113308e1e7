// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// hideTexts keeps certificates and keys that the environment gives as texts
// out of the help.
func hideTexts(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if flag := f.Lookup(name); strings.Contains(flag.DefValue, "\n") {
			flag.DefValue = "from the environment"
		}
	}
}

// knownFile is where it is remembered which daemon answers at which address.
func knownFile() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "bess", "known.json"), err
}

// recognise says so when another daemon answers at an address than the last
// time. That is no error: machines are replaced. What cannot be remembered is
// not.
func (a *app) recognise(c *client.Client) {
	instance := c.Instance()
	file, err := knownFile()
	if instance == "" || err != nil {
		return
	}
	known := map[string]string{}
	if text, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(text, &known) // a damaged file is written anew
	}
	old := known[c.Address()]
	if old == instance {
		return
	}
	if old != "" {
		fmt.Fprintf(a.Err, "bessctl: warning: the daemon at %s is not the one that answered there before: instance %s, was %s\n", c.Address(), instance, old)
	}
	known[c.Address()] = instance
	text, err := json.MarshalIndent(known, "", "  ")
	if err != nil || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	tmp := fmt.Sprintf("%s.%d", file, os.Getpid())
	if os.WriteFile(tmp, append(text, '\n'), 0o600) == nil {
		_ = os.Rename(tmp, file)
	}
}
