// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package urlfilter

import (
	"bytes"
)

// verdict is what is known of the bytes of a connection.
type verdict int

const (
	incomplete verdict = iota // more bytes are needed
	notHTTP                   // no HTTP/1 request begins here
	complete                  // a request: host, path and length are set
)

// request is an HTTP/1 request up to the blank line behind its headers.
type request struct {
	host, path []byte
	n          int // bytes, the body included; -1 if that is not known
}

// maxMethod is the longest method: as long as letters come, one may be meant.
const maxMethod = 20

// parseRequest reads a request (RFC 9112). Lines may end with LF alone.
func parseRequest(b []byte) (request, verdict) {
	line, rest, ok := cutLine(b)
	if !ok {
		return request{}, begins(b)
	}
	method, target, ok := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(target, []byte{' '})
	if !ok || !ok2 || len(method) == 0 || len(target) == 0 || !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return request{}, notHTTP
	}
	r := request{path: target}
	if host, path, absolute := splitAbsolute(target); absolute {
		r.host, r.path = host, path
	}
	chunked, body := false, 0
	for {
		if line, rest, ok = cutLine(rest); !ok {
			return request{}, incomplete
		}
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			return request{}, notHTTP
		}
		value = bytes.TrimSpace(value)
		switch {
		case isName(name, "host") && r.host == nil:
			r.host = withoutPort(value)
		case isName(name, "content-length"):
			if body, ok = decimal(value); !ok {
				chunked = true // of a length that is not known
			}
		case isName(name, "transfer-encoding"):
			chunked = true
		}
	}
	r.n = len(b) - len(rest) + body
	if chunked {
		r.n = -1
	}
	return r, complete
}

// begins judges the beginning of a line.
func begins(b []byte) verdict {
	for i, c := range b {
		if c == ' ' && i > 0 {
			return incomplete
		}
		if c < 'A' || c > 'Z' || i > maxMethod {
			return notHTTP
		}
	}
	return incomplete
}

// cutLine cuts the first line, without its end.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, nil, false
	}
	return bytes.TrimSuffix(b[:i], []byte{'\r'}), b[i+1:], true
}

// isName compares the name of a header, in which case does not count.
func isName(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// splitAbsolute splits http://host/path, as clients of proxies send it.
func splitAbsolute(target []byte) (host, path []byte, ok bool) {
	rest, ok := bytes.CutPrefix(target, []byte("http://"))
	if !ok {
		return nil, nil, false
	}
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		return withoutPort(rest[:i]), rest[i:], true
	}
	return withoutPort(rest), []byte("/"), true
}

// withoutPort cuts ":port" off; [IPv6] addresses keep their brackets.
func withoutPort(host []byte) []byte {
	i := bytes.LastIndexByte(host, ':')
	if i < 0 || bytes.IndexByte(host[i:], ']') >= 0 {
		return host
	}
	return host[:i]
}

// maxBody is the longest body that is followed, in bytes: sequence numbers of
// TCP have 32 bits.
const maxBody = 1 << 30

// decimal reads the length of a body, at most maxBody.
func decimal(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > maxBody {
			return 0, false
		}
	}
	return n, len(b) > 0
}

// blocks reports whether a request is for a listed page.
func (p pages) blocks(r *request) bool {
	var lower [256]byte
	if len(r.host) > len(lower) {
		return false
	}
	for i, c := range r.host {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	return p[string(lower[:len(r.host)])][string(r.path)]
}
