// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// instanceFile says which machine the data belongs to.
const instanceFile = dataDir + "/instance.json"

// instance is written at the first boot.
type instance struct {
	// Machine is the UUID that the firmware gives the machine.
	Machine string `json:"machine"`
	// Told identifies the seed whose declaration was handed over.
	Told string `json:"told"`
}

// name returns what the seed calls this box: its instance id, else its
// digest.
func (t *told) name() string {
	if t == nil {
		return ""
	}
	if t.InstanceID != "" {
		return "id:" + t.InstanceID
	}
	return "digest:" + t.Digest
}

// machineID returns the UUID of the machine, "" if the firmware gives none.
func machineID() string {
	text, _ := os.ReadFile("/sys/class/dmi/id/product_uuid")
	id := strings.ToLower(strings.TrimSpace(string(text)))
	if strings.Trim(id, "0-") == "" || strings.Trim(id, "f-") == "" {
		return ""
	}
	return id
}

// checkIdentity finds out whether the data was made by this machine. Data
// that was cloned with the disk holds the private key of another box: unless
// the seed says that this is a new one, that is said loudly and nothing is
// touched.
func (b *box) checkIdentity() {
	now := instance{Machine: machineID(), Told: b.told.name()}
	b.facts.set(func() { b.facts.state.Instance = now.Machine })
	if b.data == nil {
		b.facts.good("identity")
		return
	}
	was, err := readInstance()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		now.Told = "" // handed over when bessd has been started
		if err := now.write(); err != nil {
			b.facts.bad("identity", "%s: %v", instanceFile, err)
			return
		}
	case err != nil:
		b.facts.bad("identity", "%s: %v", instanceFile, err)
		return
	case was.Machine != now.Machine && was.Told != now.Told && b.told != nil && b.told.InstanceID != "":
		if err := b.becomeNew(was, now); err != nil {
			b.facts.bad("identity", "the keys of machine %s: %v", was.Machine, err)
			return
		}
	case was.Machine != now.Machine:
		b.facts.bad("identity", "DATA was made by machine %q, this is machine %q: a cloned disk? Two boxes with one key cannot be told apart."+
			" Give this one a seed with a new instanceID, or write the image anew", was.Machine, now.Machine)
		return
	}
	b.facts.good("identity")
}

// becomeNew puts the keys of the box that was cloned out of use.
func (b *box) becomeNew(was, now instance) error {
	old := fmt.Sprintf("%s.cloned-%d", identityDir, time.Now().Unix())
	if err := os.Rename(identityDir, old); err != nil {
		return err
	}
	if err := os.MkdirAll(identityDir, 0o700); err != nil {
		return err
	}
	logf(warning, "this machine is new to its data, and so is the seed: the old keys are now in %s", old)
	now.Told = was.Told // so that the store makes room for the new declaration
	return now.write()
}

func readInstance() (instance, error) {
	var i instance
	text, err := os.ReadFile(instanceFile)
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	return i, err
}

func (i instance) write() error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(instanceFile, append(text, '\n'), 0o600)
}
