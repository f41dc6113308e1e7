// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"os"
	"strings"
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
)

// damages are ways in which a file can be unusable.
var damages = map[string]func(b []byte) []byte{
	"bit flip":      func(b []byte) []byte { b[len(b)-10] ^= 4; return b },
	"bit flip head": func(b []byte) []byte { b[30] ^= 1; return b },
	"truncated":     func(b []byte) []byte { return b[:len(b)/2] },
	"one byte less": func(b []byte) []byte { return b[:len(b)-1] },
	"one byte more": func(b []byte) []byte { return append(b, '\n') },
	"half a header": func(b []byte) []byte { return b[:20] },
	"empty":         func([]byte) []byte { return nil },
	"zeroes":        func(b []byte) []byte { clear(b); return b },
	"other file":    func([]byte) []byte { return []byte(header + "spec: {}\n") },
}

func TestDamagedNewestFile(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.boot()
			b.must(b.apply("spec: {modules: {first: {class: Sink}}}\n"))
			b.must(b.apply("spec: {modules: {second: {class: Sink}}}\n"))
			b.kill()
			file := b.newest()
			was, err := os.ReadFile(file)
			b.must(err)
			bad := damage(append([]byte{}, was...))
			b.must(os.WriteFile(file, bad, 0o640))
			b.boot()
			if now := b.runs(); !strings.Contains(now, "first") || strings.Contains(now, "second") {
				t.Fatalf("this runs:\n%s", now)
			}
			if h := b.health(); h != notServing {
				t.Fatalf("health of the pipeline: %v", h)
			}
			kept, err := os.ReadFile(file + ".damaged")
			if err != nil || string(kept) != string(bad) {
				t.Fatalf("the damaged file is not kept: %v, %v", err, b.files())
			}
			// What is applied next is newer than what was damaged.
			b.must(b.apply("spec: {modules: {third: {class: Sink}}}\n"))
			if h := b.health(); h != serving || b.history()[0].GetGeneration() != 3 {
				t.Fatalf("health %v, history %v", h, b.history())
			}
			b.kill()
			b.boot()
			if now := b.runs(); !strings.Contains(now, "third") {
				t.Fatalf("this runs:\n%s", now)
			}
		})
	}
}

func TestNothingUsable(t *testing.T) {
	b := newBox(t)
	b.boot()
	b.must(b.apply("spec: {modules: {first: {class: Sink}}}\n"))
	b.kill()
	b.must(os.WriteFile(b.newest(), nil, 0o640))
	b.boot()
	if now := b.runs(); strings.Contains(now, "first") || b.health() != notServing {
		t.Fatalf("health %v, this runs:\n%s", b.health(), now)
	}
	b.must(b.apply("spec: {modules: {second: {class: Sink}}}\n"))
	if b.health() != serving {
		t.Fatalf("health %v", b.health())
	}
}

func TestFileOfAnotherVersionIsLeftAlone(t *testing.T) {
	b := newBox(t)
	b.boot()
	b.must(b.apply("spec: {modules: {first: {class: Sink}}}\n"))
	b.kill()
	file := b.newest()
	was, err := os.ReadFile(file)
	b.must(err)
	b.must(os.WriteFile(file, []byte(strings.Replace(string(was), "#bess-store 1 ", "#bess-store 2 ", 1)), 0o640))
	b.boot()
	if h := b.history(); b.health() != notServing || len(h) != 1 || !strings.Contains(h[0].GetProblem(), "another version: 2") {
		t.Fatalf("health %v, history %v", b.health(), h)
	}
	if b.newest() != file {
		t.Fatalf("%v", b.files())
	}
}

func TestMissingStoreIsMade(t *testing.T) {
	b := newBox(t)
	b.boot()
	if b.health() != serving || len(b.files()) != 0 {
		t.Fatalf("health %v, files %v", b.health(), b.files())
	}
	b.stop()
	// A store that is lost is no reason not to start.
	b.must(os.RemoveAll(b.store))
	b.boot()
	b.must(b.apply("spec: {modules: {first: {class: Sink}}}\n"))
}
