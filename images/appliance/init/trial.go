// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// How long an image that has not been marked as good may try.
const (
	trialTime   = 10 * time.Minute
	trialStarts = 3 // of bessd, that end before
)

// trial gives up an image that has tries left and does not get to serve: the
// boot loader counts, but somebody must start the machine again. Without
// another image that might be better it goes on: a box that says why it does
// not serve is better than one that starts again and again.
func (b *box) trial(failed, blessed <-chan struct{}) {
	counted := efiVariable("LoaderBootCountPath")
	if counted == "" {
		return
	}
	why := ""
	late := time.After(trialTime)
	for n := 0; why == ""; {
		select {
		case <-blessed:
			return
		case <-failed:
			if n++; n == trialStarts {
				why = fmt.Sprintf("bessd has ended %d times", n)
			}
		case <-late:
			why = fmt.Sprintf("bessd does not answer for %s", trialTime)
		}
	}
	mine := path.Base(strings.ReplaceAll(counted, `\`, "/"))
	other := ""
	err := withESP(safe|unix.MS_RDONLY, func(dir string) error {
		list, err := os.ReadDir(filepath.Join(dir, "EFI/Linux"))
		for _, f := range list {
			if worthATry(f.Name(), mine) {
				other = f.Name()
			}
		}
		return err
	})
	switch {
	case err != nil:
		b.facts.bad("slot", "%s does not work: %s; the other slot cannot be looked at: %v", mine, why, err)
	case other == "":
		b.facts.bad("slot", "%s does not work: %s; there is no other image to go back to", mine, why)
	default:
		b.facts.bad("slot", "%s does not work: %s; the machine starts again, to go back to %s when the tries are used up", mine, why, other)
		b.power.ask(unix.LINUX_REBOOT_CMD_RESTART, "the image does not work")
	}
}

var noTries = regexp.MustCompile(`(?i)\+0(?:-[0-9]+)?\.efi$`)

// worthATry reports whether a file of the boot partition is another image than
// mine, and one that has not used up its tries.
func worthATry(file, mine string) bool {
	m, own := slotName.FindStringSubmatch(file), slotName.FindStringSubmatch(mine)
	return m != nil && own != nil && !strings.EqualFold(m[1], own[1]) && !noTries.MatchString(file)
}
