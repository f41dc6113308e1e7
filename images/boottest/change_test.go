// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// stream is traffic without a pause: a frame is sent as soon as one has
// arrived, so that always window of them are on their way.
type stream struct {
	sent, arrived atomic.Uint32
	ctx           context.Context // ends with it
	stop          context.CancelFunc
	over          chan error
}

// stream starts one from left to right. Every frame must arrive, unchanged
// and in order.
func (b *box) stream() *stream {
	ctx, cancel := context.WithCancel(b.ctx)
	s := &stream{ctx: ctx, stop: cancel, over: make(chan error, 2)}
	room := make(chan struct{}, window)
	go func() {
		defer func() { s.over <- nil }()
		for {
			select {
			case <-ctx.Done():
				return
			case room <- struct{}{}:
			}
			if err := b.left.send(frame(s.sent.Load(), plain)); err != nil {
				s.over <- fmt.Errorf("frame %d: %w", s.sent.Load(), err)
				return
			}
			s.sent.Add(1)
		}
	}()
	go func() {
		for ctx.Err() == nil || s.arrived.Load() < s.sent.Load() {
			got, err := b.right.receive(patience)
			n := s.arrived.Load()
			if err != nil || got == nil || !bytes.Equal(got, frame(n, plain)) {
				cancel()
				s.over <- errors.Join(fmt.Errorf("frame %d of %d did not arrive next: % x", n, s.sent.Load(), got[:min(len(got), 64)]), err)
				return
			}
			s.arrived.Add(1)
			<-room
		}
		s.over <- nil
	}()
	return s
}

// wait waits until so many more frames have arrived, or one has not.
func (s *stream) wait(more uint32) {
	for end := s.arrived.Load() + more; s.arrived.Load() < end && s.ctx.Err() == nil; {
		time.Sleep(time.Millisecond)
	}
}

// end ends the stream and returns how many frames passed, all of them.
func (s *stream) end() (uint32, error) {
	s.stop()
	err := <-s.over
	if e := <-s.over; err == nil {
		err = e
	}
	return s.arrived.Load(), err
}

// change changes a rule, replaces a module, and tries what must be refused,
// all under traffic.
func (b *box) change() {
	p := declarepb.NewPipelinesClient(b.conn)
	apply := func(text string) (*declarepb.ApplyResponse, error) {
		return p.Apply(b.ctx, &declarepb.ApplyRequest{Documents: documents(text)})
	}
	s := b.stream()
	var notes []string
	step := func(text, object, disruption string) {
		b.t.Helper()
		s.wait(window)
		r, err := apply(text)
		if err != nil || len(r.GetActions()) != 1 || r.GetActions()[0].GetObject() != object || r.GetActions()[0].GetDisruption() != disruption {
			b.t.Errorf("%v %v, want one change of %s: %s", r, err, object, disruption)
		}
		notes = append(notes, fmt.Sprintf("%s %s after frame %d", object, disruption, s.arrived.Load()))
		s.wait(window)
	}
	ruled := strings.Replace(pipeline, "dst_port: 9,", "dst_port: 10,", 1)
	replaced := strings.Replace(ruled, "{seen: 4}", "{seen: 8}", 1)
	step(ruled, "module fw", "in place")
	step(replaced, "module stage", "rebuilt with links kept")
	for _, c := range []struct {
		text string
		code codes.Code
	}{
		{strings.Replace(replaced, "dst_port: 10,", "dst_port: 65536,", 1), codes.InvalidArgument},
		// The last step fails, and what was done before it is undone.
		{strings.Replace(pipeline, "\n  modules:", "\n    zz: {driver: PCAPPort, args: {dev: nowhere}}\n  modules:", 1), codes.FailedPrecondition},
	} {
		s.wait(window)
		if _, err := apply(c.text); status.Code(err) != c.code {
			b.t.Errorf("%v, want %v", err, c.code)
		}
		s.wait(window)
		notes = append(notes, fmt.Sprintf("%s after frame %d", c.code, s.arrived.Load()))
	}
	count, err := s.end()
	if err != nil {
		b.t.Fatal(err, notes)
	}
	b.runs(replaced)
	// What was dropped passes now, and the other way round.
	frames := [][]byte{frame(1, 9), frame(2, 10), frame(3, marked)}
	want := [][]byte{frames[0], nil, rewritten(frames[2])}
	exchange(b.t, b.left, b.right, frames, func(i int) (int, []byte) { return i, want[i] })
	b.quiet(b.left, b.right)
	// A port that cannot be made again is left as it was.
	if _, err := apply(strings.Replace(replaced, "dev: right", "dev: nowhere", 1)); status.Code(err) != codes.FailedPrecondition {
		b.t.Errorf("%v, want %v", err, codes.FailedPrecondition)
	}
	b.quiet(b.left, b.right)
	if _, err := apply(pipeline); err != nil {
		b.t.Error(err)
	}
	b.t.Logf("%d frames passed, none lost: %s", count, strings.Join(notes, ", "))
}

// restart ends bessd. The same pipeline forwards again by itself.
func (b *box) restart() {
	full(b.t)
	const every = 5 * time.Millisecond
	killed := make(chan error, 1)
	var last, first time.Time // frames before and after the gap
	var lost, number uint32
	asked := false
	for began := time.Now(); time.Since(began) < patience*4; number++ {
		if err := b.left.send(frame(number, plain)); err != nil {
			b.t.Fatal(err)
		}
		got, err := b.right.receive(every)
		switch {
		case err != nil:
			b.t.Fatal(err)
		case got != nil && first.IsZero() && lost > 40: // it was gone for 0.2 s and more
			first = time.Now()
		case got != nil && lost <= 40:
			last, lost = time.Now(), 0
		case got == nil && asked:
			lost++
		}
		if number == 20 {
			asked = true
			go func() {
				_, err := api.NewBESSControlClient(b.conn).KillBess(b.ctx, &api.EmptyRequest{})
				killed <- err
			}()
		}
		if !first.IsZero() {
			break
		}
	}
	if first.IsZero() {
		b.t.Fatal("nothing passes after bessd was ended")
	}
	if err := <-killed; err != nil && status.Code(err) != codes.Unavailable {
		b.t.Fatal(err)
	}
	b.wait(b.ctx, b.conn)
	for got := []byte{}; got != nil; { // what was on its way
		var err error
		if got, err = b.right.receive(time.Second); err != nil {
			b.t.Fatal(err)
		}
	}
	b.runs(pipeline)
	b.quiet(b.left, b.right)
	b.t.Logf("the gap: %.2f s", first.Sub(last).Seconds())
}
