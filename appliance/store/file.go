// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A file is a declaration with two lines before it:
//
//	#bess-store 1 sha256:<64 hex digits> <bytes>
//	#meta {"generation":12,"time":"2026-01-02T03:04:05Z","origin":"apply"}
//	apiVersion: bess.dev/v1
//	…
//
// The digest and the number of bytes are those of everything after the first
// line. To YAML both lines are comments, so the file can be applied as it is.
const (
	magic   = "#bess-store "
	version = 1
	metaTag = "#meta "
	// maxFile is the largest file read, in bytes.
	maxFile = 1 << 30
)

// Meta is what is known about a generation beside its text.
type Meta struct {
	Generation uint64    `json:"generation"`
	Time       time.Time `json:"time"`
	// By is who asked for it, "" if that is not known.
	By string `json:"by,omitempty"`
	// Origin is how it came, see package declare.
	Origin string `json:"origin"`
	// Name is the declaration's metadata.name.
	Name string `json:"name,omitempty"`
}

// The ways in which a file is unusable. All but ErrVersion mean damage.
var (
	ErrEmpty     = errors.New("the file is empty")
	ErrNoHeader  = errors.New("the file does not begin with the header of a stored declaration")
	ErrVersion   = errors.New("the file has a format of another version")
	ErrTruncated = errors.New("the file is truncated")
	ErrDigest    = errors.New("the content does not match its SHA-256")
	ErrMeta      = errors.New("the second line is malformed")
)

// Encode makes a file.
func Encode(m Meta, text []byte) ([]byte, error) {
	meta, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	content := make([]byte, 0, len(metaTag)+len(meta)+1+len(text))
	content = append(content, metaTag...)
	content = append(content, meta...)
	content = append(content, '\n')
	content = append(content, text...)
	head := fmt.Sprintf("%s%d sha256:%x %d\n", magic, version, sha256.Sum256(content), len(content))
	return append([]byte(head), content...), nil
}

// Decode reads a file. The text refers to b. Errors are, or wrap, those
// above.
func Decode(b []byte) (Meta, []byte, error) {
	content, err := verify(b)
	if err != nil {
		return Meta{}, nil, err
	}
	line, text, ok := bytes.Cut(content, []byte("\n"))
	line, tagged := bytes.CutPrefix(line, []byte(metaTag))
	if !ok || !tagged {
		return Meta{}, nil, ErrMeta
	}
	var m Meta
	if err := json.Unmarshal(line, &m); err != nil {
		return Meta{}, nil, fmt.Errorf("%w: %w", ErrMeta, err)
	}
	return m, text, nil
}

// verify returns what the first line vouches for.
func verify(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, ErrEmpty
	}
	line, content, ok := bytes.Cut(b, []byte("\n"))
	rest, tagged := strings.CutPrefix(string(line[:min(len(line), 256)]), magic)
	if !tagged {
		if strings.HasPrefix(magic, string(b)) {
			return nil, ErrTruncated
		}
		return nil, ErrNoHeader
	}
	fields := strings.Fields(rest)
	if len(fields) > 0 && fields[0] != strconv.Itoa(version) {
		if n, err := strconv.Atoi(fields[0]); err == nil && n > 0 && ok {
			return nil, fmt.Errorf("%w: %d, this daemon knows %d", ErrVersion, n, version)
		}
		return nil, ErrNoHeader
	}
	if !ok {
		return nil, ErrTruncated
	}
	if len(fields) != 3 {
		return nil, ErrNoHeader
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil || size < 0 {
		return nil, ErrNoHeader
	}
	if len(content) < size {
		return nil, fmt.Errorf("%w: %d of %d bytes", ErrTruncated, len(content), size)
	}
	if len(content) > size || fields[1] != "sha256:"+hexDigest(content) {
		return nil, ErrDigest
	}
	return content, nil
}

func hexDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
