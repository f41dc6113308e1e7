// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

const (
	// tokenLife is how long a join token can be used.
	tokenLife = time.Hour
	maxLife   = 24 * time.Hour
	// maxWrong is how many wrong tokens one address may show in wrongTime.
	maxWrong  = 5
	wrongTime = time.Minute
	// maxAddresses bounds the memory of addresses that showed wrong tokens.
	maxAddresses = 4096
)

var tokenText = base32.StdEncoding.WithPadding(base32.NoPadding)

// tokens holds the one join token that can be used. It lives in memory only:
// with the daemon it is gone. Its time is measured by a clock that nobody
// sets.
type tokens struct {
	mu    sync.Mutex
	hash  [sha256.Size]byte
	role  pki.Role // Nobody: there is none
	until time.Time
	wrong map[string]*failures // by address
}

// failures are the wrong tokens that an address has shown.
type failures struct {
	count int
	since time.Time
}

// create makes a token of 100 random bits, in groups for reading aloud. It
// replaces an unused one.
func (t *tokens) create(role pki.Role, life time.Duration) (string, error) {
	b := make([]byte, 13)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	text := tokenText.EncodeToString(b)[:20]
	t.set(text, role, life)
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:], nil
}

// set makes a token known, in place of an unused one.
func (t *tokens) set(text string, role pki.Role, life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hash, t.role, t.until = sha256.Sum256([]byte(plainToken(text))), role, time.Now().Add(life)
}

// minToken is how many characters a token from a file must have.
const minToken = 16

// readToken reads the token that somebody gave the machine.
func readToken(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	if n := len(plainToken(text)); n < minToken {
		return "", fmt.Errorf("a join token must have %d to 100 characters besides blanks and dashes", minToken)
	}
	return text, nil
}

// tokenDigest tells apart tokens without telling them.
func tokenDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// open reports whether a token can be used.
func (t *tokens) open() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.role != pki.Nobody && time.Now().Before(t.until)
}

var (
	errWrongToken = status.Error(codes.Unauthenticated, "the join token is wrong, has been used, or has been replaced by a newer one")
	errExpired    = status.Error(codes.Unauthenticated, "the join token has expired; restart bessd, or make a new one on its machine: bessctl token --role admin")
	errTooMany    = status.Error(codes.ResourceExhausted, "too many wrong join tokens from this address; wait a minute")
)

// use calls f with the role of a token and, if f succeeds, spends the token.
// Two clients with one token are served one after the other, and only one of
// them gets in.
func (t *tokens) use(token, address string, f func(pki.Role) error) error {
	hash := sha256.Sum256([]byte(plainToken(token)))
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.blocked(address, now) {
		return errTooMany
	}
	right := subtle.ConstantTimeCompare(hash[:], t.hash[:]) == 1
	switch {
	case t.role == pki.Nobody || !right:
		t.fail(address, now)
		return errWrongToken
	case !now.Before(t.until):
		return errExpired
	}
	if err := f(t.role); err != nil {
		return err
	}
	t.role = pki.Nobody
	return nil
}

// plainToken takes away what people add to a token.
func plainToken(text string) string {
	if len(text) > 100 {
		return ""
	}
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(text))
}

func (t *tokens) blocked(address string, now time.Time) bool {
	f := t.wrong[address]
	return f != nil && now.Sub(f.since) < wrongTime && f.count >= maxWrong
}

func (t *tokens) fail(address string, now time.Time) {
	if t.wrong == nil || len(t.wrong) >= maxAddresses {
		t.wrong = map[string]*failures{}
	}
	f := t.wrong[address]
	if f == nil || now.Sub(f.since) >= wrongTime {
		f = &failures{since: now}
		t.wrong[address] = f
	}
	f.count++
}

// hostOf returns the address that a call comes from, without the port.
func hostOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	host, _, err := net.SplitHostPort(p.Addr.String())
	if err != nil {
		return p.Addr.String()
	}
	return host
}

var errLife = errors.New("seconds: must be at most 86400, a day")
