// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package store keeps the declaration of what runs in a directory, and some
// of those before it, so that the pipeline comes back after a restart or a
// loss of power.
//
// A generation is a file that is never changed: it is written beside the
// others, synced, renamed and the directory synced, before the number counts.
// Whatever happens in between leaves the generation before it as the newest
// one. Files that turn out to be damaged are renamed, never deleted.
//
// What clients can rely on: when Pipelines.Apply or Rollback has answered, a
// loss of power leaves what was applied; before, it leaves that or what was
// there, whole. Single calls (all of BESSControl, and those of Pipelines that
// change one thing) answer at once and are stored in the background: about a
// second after the last of them, or after the first if they do not stop, and
// at an orderly end.
//
// A generation is the declaration, and what it cannot say: commands that
// changed modules (for a class with get_runtime_config and set_runtime_config
// what the former answers, else the commands themselves, up to 65,536 for a
// module), gate hooks, and settings of ports. Not stored are what packets have
// made (flows, learnt addresses, counters, queued packets), that workers are
// paused, the MAC addresses that the engine made up, and resume hooks.
package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// DefaultKeep is how many generations are kept unless told otherwise.
const DefaultKeep = 16

const (
	prefix  = "generation-"
	suffix  = ".yaml"
	aside   = ".damaged"
	tmpName = ".writing-*"
)

// Store is a directory of generations. Its methods are safe for concurrent
// use. Only one process may have a directory open.
type Store struct {
	dir  string
	keep int
	log  *slog.Logger

	mu     sync.Mutex // guards the rest
	lock   *os.File   // the directory, nil: not open yet
	list   []uint64   // generations with a file, ascending
	last   uint64     // highest number ever seen
	newest entry      // of the newest usable generation
	known  map[uint64]entry
}

// entry is a generation that was read and found good, or not.
type entry struct {
	Meta
	digest string // of the text
	size   int64
	err    error
}

// ErrInUse says that another process has the directory open.
var ErrInUse = errors.New("another process uses this directory")

// Open opens a directory, and makes it if it does not exist. keep is how many
// generations stay. The error is, or wraps, ErrInUse: whatever else stands in
// the way (a disk that is not there) may pass, so it is an error of Newest and
// of Write instead.
func Open(dir string, keep int, log *slog.Logger) (*Store, error) {
	s := &Store{dir: dir, keep: max(keep, 1), log: log, known: map[uint64]entry{}}
	if err := s.open(); errors.Is(err, ErrInUse) {
		return nil, err
	}
	return s, nil
}

// open is done again by those who need it until it succeeds.
func (s *Store) open() error {
	if s.lock != nil {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	f, err := os.Open(s.dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if !sys.Lock(f, false) {
		_ = f.Close()
		return fmt.Errorf("store: %s: %w", s.dir, ErrInUse)
	}
	if err := s.scan(f); err != nil {
		_ = f.Close()
		return err
	}
	s.lock = f
	return nil
}

// Close lets others open the directory.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// scan finds the generations and sweeps up what a crash has left half
// written.
func (s *Store) scan(dir *os.File) error {
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, name := range names {
		if ok, _ := filepath.Match(tmpName, name); ok {
			if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
				s.log.Warn("store: a left-over file stays", "error", err)
			}
		}
		number, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		number, rest, _ := strings.Cut(number, ".")
		n, err := strconv.ParseUint(number, 10, 63)
		if err != nil || n == 0 {
			continue
		}
		s.last = max(s.last, n)
		if "."+rest == suffix && name == fileName(n) {
			s.list = append(s.list, n)
		}
	}
	slices.Sort(s.list)
	return nil
}

func fileName(generation uint64) string { return fmt.Sprintf("%s%09d%s", prefix, generation, suffix) }

func (s *Store) path(generation uint64) string { return filepath.Join(s.dir, fileName(generation)) }

// Newest returns the newest usable generation; 0 and no text if there is none.
// damage names the newer files that are not usable. Those that are damaged are
// put aside.
func (s *Store) Newest() (m Meta, text []byte, damage []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return Meta{}, nil, []error{err}
	}
	for _, n := range slices.Backward(slices.Clone(s.list)) {
		m, text, err := s.read(n)
		if err == nil {
			s.newest = s.known[n]
			return m, text, damage
		}
		damage = append(damage, fmt.Errorf("%s: %w", s.path(n), err))
		s.putAside(n, err)
	}
	return Meta{}, nil, damage
}

// putAside renames a damaged file. One that cannot be read, or that another
// version can, keeps its name.
func (s *Store) putAside(n uint64, why error) {
	var io *fs.PathError
	if errors.Is(why, ErrVersion) || errors.As(why, &io) {
		return
	}
	to := s.path(n) + aside
	for i := 1; ; i++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = s.path(n) + aside + "." + strconv.Itoa(i)
	}
	if err := os.Rename(s.path(n), to); err != nil {
		s.log.Warn("store: a damaged file stays where it is", "error", err)
		return
	}
	s.log.Error("store: a damaged file was put aside", "file", s.path(n), "now", to, "reason", why)
	s.forget(n)
}

// forget takes a generation off the lists.
func (s *Store) forget(n uint64) {
	s.list = slices.DeleteFunc(s.list, func(g uint64) bool { return g == n })
	delete(s.known, n)
}

// read reads and verifies a generation.
func (s *Store) read(n uint64) (Meta, []byte, error) {
	m, text, err := s.readFile(n)
	s.known[n] = entry{Meta: m, digest: hexDigest(text), size: int64(len(text)), err: err}
	return m, text, err
}

func (s *Store) readFile(n uint64) (Meta, []byte, error) {
	f, err := os.Open(s.path(n))
	if err != nil {
		return Meta{}, nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Meta{}, nil, err
	}
	if len(b) > maxFile {
		return Meta{}, nil, fmt.Errorf("%w: larger than %d bytes", ErrNoHeader, maxFile)
	}
	m, text, err := Decode(b)
	if err == nil && m.Generation != n {
		return m, nil, fmt.Errorf("%w: it says generation %d", ErrMeta, m.Generation)
	}
	return m, text, err
}

// Read returns the text of a generation. Errors: *declare.MissingError, and
// why it is not usable.
func (s *Store) Read(generation uint64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.list, generation) {
		return nil, &declare.MissingError{Generation: generation, Have: slices.Clone(s.list)}
	}
	_, text, err := s.read(generation)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path(generation), err)
	}
	return text, nil
}

// Kept returns all generations, the newest first.
func (s *Store) Kept() []declare.Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []declare.Kept{}
	for _, n := range slices.Backward(s.list) {
		if _, ok := s.known[n]; !ok {
			_, _, _ = s.read(n)
		}
		e := s.known[n]
		k := declare.Kept{Generation: n, Time: e.Time, By: e.By, Origin: e.Origin, Name: e.Name, Digest: e.digest, Size: e.size}
		if e.err != nil {
			k = declare.Kept{Generation: n, Problem: e.err.Error()}
		}
		list = append(list, k)
	}
	return list
}

// Write adds a generation, whose number it chooses, and returns the number. A
// text equal to that of the newest one adds nothing: added is false then. If replace is not 0 that
// generation goes when the new one is there. Errors name the file; nothing has
// changed then.
func (s *Store) Write(m Meta, text []byte, replace uint64) (generation uint64, added bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return 0, false, err
	}
	digest := hexDigest(text)
	if n := s.newest; n.Generation != 0 && n.digest == digest && n.Name == m.Name {
		return n.Generation, false, nil
	}
	m.Generation = s.last + 1
	if err := s.write(m, text); err != nil {
		return 0, false, err
	}
	s.last = m.Generation
	s.list = append(s.list, m.Generation)
	s.newest = entry{Meta: m, digest: digest, size: int64(len(text))}
	s.known[m.Generation] = s.newest
	if replace != 0 {
		s.remove(replace)
	}
	for len(s.list) > s.keep && s.remove(s.list[0]) {
	}
	return m.Generation, true, nil
}

// remove deletes a generation that is not wanted any more.
func (s *Store) remove(n uint64) bool {
	if err := os.Remove(s.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("store: an old generation stays", "error", err)
		return false
	}
	s.forget(n)
	return true
}

// write makes a file that is whole or not there, whatever happens.
func (s *Store) write(m Meta, text []byte) (err error) {
	b, err := Encode(m, text)
	if err != nil {
		return err
	}
	if len(b) > maxFile {
		return fmt.Errorf("%s: %d bytes, must not exceed %d", s.path(m.Generation), len(b), maxFile)
	}
	f, err := os.CreateTemp(s.dir, tmpName)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path(m.Generation), err)
	}
	name := f.Name()
	defer func() {
		if err != nil {
			_ = os.Remove(name)
			err = fmt.Errorf("%s: %w", s.path(m.Generation), err)
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o640)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(name, s.path(m.Generation)); err != nil {
		return err
	}
	name = s.path(m.Generation) // what is to go if the next step fails
	return s.syncDir()
}

// syncDir makes renames last. The directory is opened anew: somebody may have
// put another one in its place.
func (s *Store) syncDir() error {
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}

// isEmpty reports whether there is no usable generation.
func (s *Store) isEmpty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest.Generation == 0
}
