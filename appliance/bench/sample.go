// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/gopacket/pcapgo"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// How many packets of each exit are looked at, and how long one waits for
// them.
const (
	sampleSize    = 128
	samplePatient = 5 * time.Second
)

// sample looks at packets that leave through an exit while the pipeline runs,
// with the gate hook TcpDump: the daemon must be on this machine.
func sample(ctx context.Context, c *client.Client, e exit) (err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left in /tmp does no harm
	fifo := filepath.Join(dir, "tap")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		return fmt.Errorf("make %s: %w", fifo, err)
	}
	// Reading and writing: opening does not wait for the daemon, and there is no
	// end of file between.
	f, err := os.OpenFile(fifo, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // a FIFO has nothing to flush
	hook := &api.GateHookInfo{ClassName: "TcpDump", HookName: "bench", ModuleName: e.module, Gate: &api.GateHookInfo_Ogate{Ogate: int64(e.ogate)}}
	if hook.Arg, err = anypb.New(&api.TcpdumpArg{Fifo: fifo}); err != nil {
		return err
	}
	if _, err := c.ConfigureGateHook(ctx, hook, true); err != nil {
		return err
	}
	defer func() {
		hook.Arg = nil
		_, off := c.ConfigureGateHook(ctx, hook, false)
		err = errors.Join(err, off)
	}()
	if err := f.SetReadDeadline(time.Now().Add(samplePatient)); err != nil {
		return err
	}
	if err := inspect(f, e.check); err != nil {
		return fmt.Errorf("gate %d of %s: %w", e.ogate, e.module, err)
	}
	return nil
}

// inspect checks the packets of a pcap stream.
func inspect(r io.Reader, check func([]byte) error) error {
	pcap, err := pcapgo.NewReader(r)
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	for i := range sampleSize {
		p, info, err := pcap.ReadPacketData()
		if err != nil {
			return fmt.Errorf("sample: packet %d: %w", i, err)
		}
		if info.Length != len(p) {
			return fmt.Errorf("sample: packet %d: %d of %d bytes", i, len(p), info.Length)
		}
		if err := check(p); err != nil {
			return fmt.Errorf("wrong output: %w", err)
		}
	}
	return nil
}
