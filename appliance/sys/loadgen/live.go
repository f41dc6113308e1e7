// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package loadgen

import (
	"errors"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// A frame that finds no room in the queue of a port goes back to the memory of
// the generator, under a lock which the core that is measured needs as well for
// each frame it has taken. If several times as many frames are sent as are
// taken, the two cores fight for it, and that is what is measured: half of the
// time of a port that takes frames one by one. So the generator can wait for
// frames to come back, as a sender with a window does.
const (
	// window is how many frames may be on the way, give or take a step or two:
	// fewer than the shortest queue holds, which is that of veth (256).
	window = 192
	// windowStep is after how many frames, a power of two, the generator looks
	// at what has come back, and the sink shows it.
	windowStep = 32
	// windowRounds is how many bursts one call sends. The kernel takes the
	// memory apart after each, on whatever core.
	windowRounds = 2048
	// windowPause is how many random numbers are made between two looks at a
	// window that is used up, which takes some microseconds; after windowLooks
	// looks another step is sent nevertheless, and after windowPatience such
	// steps what is on the way is taken for lost. That is later than a worker
	// wakes or gets its core back: what is given up too early fills queues.
	windowPause    = 512
	windowLooks    = 32
	windowPatience = 64
)

// liveProgram returns the program that sends frames: one that waits for them to
// come back if there is a window.
func liveProgram(w *windowed) (*ebpf.Program, error) {
	code := asm.Instructions{asm.Mov.Imm(asm.R0, xdpTx), asm.Return()}
	if w != nil {
		code = windowCode(w.state.FD(), w.shown.FD())
	}
	return ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "Apache-2.0", Instructions: code})
}

// windowed is what the program and those who run it know of the window.
type windowed struct {
	// state has one value of three numbers of 64 bits: frames sent, how many
	// of them are not waited for, and steps sent in vain since the window was
	// open last.
	state *ebpf.Map
	shown *ebpf.Map // of the sink
}

func (s *Site) window() (*windowed, error) {
	if s.sink == nil {
		return nil, errors.New("who waits for frames to come back needs a sink")
	}
	state, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 24, MaxEntries: 1})
	if err != nil {
		return nil, err
	}
	return &windowed{state, s.sink.shown}, nil
}

// settle waits until nothing more comes back, and forgets what did not. It
// belongs between two runs of the program.
func (w *windowed) settle() error {
	var state [3]uint64
	var shown, before uint64
	err := w.state.Lookup(uint32(0), &state)
	for i := range settleMost {
		if err != nil || i > 0 && shown == before {
			break
		}
		before = shown
		time.Sleep(settlePause)
		err = w.shown.Lookup(uint32(0), &shown)
	}
	if err != nil {
		return err
	}
	return w.state.Put(uint32(0), [3]uint64{state[0], state[0] - shown, 0})
}

const (
	settlePause = 200 * time.Microsecond // longer than a burst takes to come back
	settleMost  = 50                     // pauses, if more and more comes
)

func (w *windowed) close() { _ = w.state.Close() }

// windowCode is the program:
//
//	sent++; not every windowStep-th frame -> send
//	windowLooks times:
//	    sent - lost - shown < window -> vain = 0; send
//	    pause
//	vain++; less than windowPatience -> send
//	vain = 0; lost = sent - shown
//	send
func windowCode(state, shown int) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMapValue(asm.R6, state, 0),
		asm.LoadMem(asm.R7, asm.R6, 0, asm.DWord),
		asm.Add.Imm(asm.R7, 1),
		asm.StoreMem(asm.R6, 0, asm.R7, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.And.Imm(asm.R1, windowStep-1),
		asm.JNE.Imm(asm.R1, 0, "send"),
		asm.LoadMapValue(asm.R8, shown, 0),
		asm.Mov.Imm(asm.R9, 0),
		asm.LoadMem(asm.R2, asm.R6, 8, asm.DWord).WithSymbol("look"),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.Sub.Reg(asm.R1, asm.R2),
		asm.LoadMem(asm.R2, asm.R8, 0, asm.DWord),
		asm.Sub.Reg(asm.R1, asm.R2),
		asm.JSLT.Imm(asm.R1, window, "open"),
	}
	for range windowPause {
		code = append(code, asm.FnGetPrandomU32.Call())
	}
	return append(code,
		asm.Add.Imm(asm.R9, 1),
		asm.JLT.Imm(asm.R9, windowLooks, "look"),
		asm.LoadMem(asm.R1, asm.R6, 16, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R6, 16, asm.R1, asm.DWord),
		asm.JLT.Imm(asm.R1, windowPatience, "send"),
		asm.LoadMem(asm.R2, asm.R8, 0, asm.DWord),
		asm.Sub.Reg(asm.R7, asm.R2),
		asm.StoreMem(asm.R6, 8, asm.R7, asm.DWord),
		asm.Mov.Imm(asm.R1, 0).WithSymbol("open"),
		asm.StoreMem(asm.R6, 16, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, xdpTx).WithSymbol("send"),
		asm.Return())
}
