// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
)

// imagePrefix begins the names of conditions that the machine's init found:
// its disk, its network, its clock.
const imagePrefix = "image."

// maxImageConditions bounds what is taken from a file.
const maxImageConditions = 64

// addImage takes over the conditions that init wrote. Where there is no such
// file, nothing is set.
func (c *Conditions) addImage(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	var i struct {
		Conditions []struct {
			Name, Reason string
			OK           bool
		}
	}
	if err := json.Unmarshal(text, &i); err != nil {
		c.Set(imagePrefix+"facts", errors.New(file+": "+err.Error()))
		return
	}
	for _, k := range i.Conditions[:min(len(i.Conditions), maxImageConditions)] {
		var problem error
		if !k.OK {
			problem = errors.New(strings.ToValidUTF8(k.Reason, "?"))
		}
		c.Set(imagePrefix+strings.ToValidUTF8(k.Name, "?"), problem)
	}
}
