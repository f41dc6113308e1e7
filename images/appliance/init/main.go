// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command init is the first process of the appliance: it brings the machine
// up, reads the seed, runs bessd and takes the machine down. Nothing of it
// listens to the network, and there is no shell.
//
// It never gives up: whatever is wrong becomes a condition in
// /run/bess/image.json, which the API's health shows, and a line on the
// console, and the box goes on as far as it can, so that it can be reached.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// Set by the linker (-X).
var (
	version = "unknown"
	built   = "0" // seconds since 1970; the clock is never before
)

// Where things are.
const (
	runDir  = "/run/bess"
	dataDir = "/data"
	daemon  = "/bin/bessd"
)

func main() {
	if os.Getpid() != 1 {
		_, _ = fmt.Fprintln(os.Stderr, "init: this program is the first process of the appliance and does nothing elsewhere")
		os.Exit(1)
	}
	f := newFacts()
	b := &box{facts: f, links: newLinks(f), started: time.Now()}
	defer func() { // the kernel panics when its first process ends: rather start again
		if p := recover(); p != nil {
			logf(severe, "init: %v\n%s", p, debug.Stack())
			b.end(unix.LINUX_REBOOT_CMD_RESTART)
		}
	}()
	b.up()
	b.end(b.power.wait())
}

// box is the machine.
type box struct {
	started time.Time
	facts   *facts
	links   *links
	drivers *loader // nil if there are none for this kernel
	data    *volume // nil if there is none, or it cannot be used
	disk    string  // device that DATA is on
	told    *told
	tune    tuning
	// identity are the flags of bessd about certificates.
	identity []string
	// handing says that bessd is handed the declaration of the seed.
	handing bool
	daemon  *supervisor
	power   *power
	stop    func() // ends what runs beside bessd
}

// up brings everything up, in the order in which things need each other.
func (b *box) up() {
	mountSystem()
	openLog()
	logf(notice, "BESS appliance %s", version)
	b.power = newPower()
	b.loadModules()
	b.setClock()
	b.readSlot()
	b.startWatchdog()
	vols := b.findVolumes()
	b.openData(vols)
	b.entropy()
	b.readSeed(vols)
	b.checkIdentity()
	b.apply()
	b.power.listen()
	sealRoot()
	b.daemon = b.supervise()
	logf(notice, "up in %.1f s", time.Since(b.started).Seconds())
}

// end takes everything down and does not return.
func (b *box) end(how int) {
	logf(notice, "going down")
	if b.daemon != nil {
		b.daemon.end()
	}
	if b.stop != nil {
		b.stop()
	}
	b.saveEntropy()
	b.closeData()
	unix.Sync()
	_ = unix.Reboot(how)
	logf(severe, "the kernel does not obey")
	select {}
}
