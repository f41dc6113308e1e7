// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package urlfilter

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", Class) }

// SYN and request of the specification's cases.
var (
	syn = moduletest.Frame("06163e1b7232021e679f4dae0800450000280001000040060000c0a800020a0000022711005000003039000000005002200000000000")
	get = moduletest.Frame("06163e1b7232021e679f4dae0800450000550001000040060000c0a800020a000002271100500000303a00005ba05000200000000000474554202f20485454502f312e310d0a486f73743a207777772e626c61636b6c69737465642e636f6d0d0a0d0a")
	arg = &UrlFilterArg{Blacklist: []*UrlFilterArg_Url{{Host: "www.blacklisted.com", Path: "/"}}}
)

// C60: what the client gets. Better: the acknowledgement covers the request.
func TestC60Answer(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("uf", Class, arg)
	h.Send("uf", 0, syn)
	h.Send("uf", 0, get)
	out := h.Out("uf", 1)
	if len(out) != 2 {
		t.Fatalf("%d packets to the client, want 2", len(out))
	}
	// As in the specification, but for acknowledgement and checksum.
	want := []string{
		"021e679f4dae06163e1b723208004500005a000100004006aff10a000002c0a800020050271100005ba000003067501000003" + "4e90000" + hex.EncodeToString([]byte(answer)),
		"021e679f4dae06163e1b7232080045000028000200004006b0220a000002c0a800020050271100005bd2000030675014000031" + "8a0000",
	}
	for i, f := range out {
		ip, ok := header.ParseIPv4(f, 14)
		tcp, ok2 := header.ParseTCP(ip, 20)
		if !ok || !ok2 || !ip.ChecksumOK() || !tcp.ChecksumOK(ip.Src(), ip.Dst()) {
			t.Errorf("packet %d is not well-formed: %x", i, f)
			continue
		}
		if got := hex.EncodeToString(f); got != want[i] {
			t.Errorf("packet %d:\n%s, want\n%s", i, got, want[i])
		}
	}
}

// to6 makes the IPv6 packet with the TCP segment of an IPv4 one.
func to6(f []byte) []byte {
	tcp := f[34:]
	g := append([]byte{}, f[:12]...)
	g = binary.BigEndian.AppendUint16(g, header.TypeIPv6)
	ip := make([]byte, header.IPv6Len)
	header.IPv6(ip).Encode(&header.IPv6Fields{PayloadLen: uint16(len(tcp)), NextHeader: 6, HopLimit: 64, Src: [16]byte{0xfd, 15: 1}, Dst: [16]byte{0xfd, 15: 2}})
	return append(append(g, ip...), tcp...)
}

func TestIPv6(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("uf", Class, arg)
	h.Send("uf", 0, to6(syn))
	h.Send("uf", 0, to6(get))
	out := h.Out("uf", 1)
	if h.Counter("uf", "blocked_requests") != 1 || len(out) != 2 {
		t.Fatalf("%d blocked, %d packets to the client", h.Counter("uf", "blocked_requests"), len(out))
	}
	for _, f := range out {
		ip, ok := header.ParseIPv6(f, 14)
		if !ok {
			t.Fatalf("no IPv6: %x", f)
		}
		tcp := ip[40:]
		if sum := header.Fold(header.Sum(tcp, header.Sum(ip[8:40], uint32(len(tcp))+6))); sum != 0xffff {
			t.Errorf("checksum is wrong: %04x", sum)
		}
	}
}

// Answers and resets carry the metadata of the request.
func TestMetadata(t *testing.T) {
	h := moduletest.New(t)
	h.WatchAttr("x")
	h.MustCreate("meta", setmetadata.Class, &setmetadata.SetMetadataArg{Attrs: []*setmetadata.SetMetadataArg_Attribute{
		{Name: "x", Size: 4, Value: &setmetadata.SetMetadataArg_Attribute_ValueInt{ValueInt: 0x01020304}}}})
	h.MustCreate("uf", Class, arg)
	h.Connect("meta", 0, "uf", 0)
	h.Send("meta", 0, syn)
	h.Send("meta", 0, get)
	for gate, what := range []string{"reset to the server", "reset to the client"} {
		if got := h.Attr("uf", gate, "x"); !bytes.Equal(got, []byte{1, 2, 3, 4}) {
			t.Errorf("metadata of the %s: %x", what, got)
		}
	}
}

// Tables have a limit: of many connections the first are given up, memory
// stays, nothing is lost.
func TestManyConnections(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("uf", Class, arg)
	for i := range 3 * maxFlows {
		f := append([]byte{}, syn...)
		binary.BigEndian.PutUint32(f[26:], uint32(i))
		h.Send("uf", 0, f)
	}
	if n := h.Counter("uf", "unchecked"); n != 2*maxFlows {
		t.Errorf("%d given up, want %d", n, 2*maxFlows)
	}
	h.Send("uf", 0, syn)
	h.Send("uf", 0, get)
	if h.Counter("uf", "blocked_requests") != 1 {
		t.Error("a new connection is not checked")
	}
}

// Requests that never end fill no more than the buffers there are.
func TestBuffersAreBounded(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("uf", Class, arg)
	for i := range 2 * maxBuffers {
		for _, f := range [][]byte{syn, get[:len(get)-2]} {
			f = append([]byte{}, f...)
			binary.BigEndian.PutUint32(f[26:], uint32(i))
			binary.BigEndian.PutUint16(f[16:], uint16(len(f)-14))
			h.Send("uf", 0, f)
		}
	}
	if n := h.Counter("uf", "unchecked"); n != maxBuffers {
		t.Errorf("%d unchecked, want %d", n, maxBuffers)
	}
}

// Silent connections are forgotten, and blocked ones after ten seconds.
func TestExpiry(t *testing.T) {
	f := newFlows()
	f.begin(1)
	k := &key{sport: 1}
	fl, _ := f.watch(k, 5)
	fl.blocked = true
	f.begin(1 + timeout)
	if f.find(k) == nil {
		t.Fatal("forgotten too early")
	}
	f.begin(2 + 2*timeout)
	if f.find(k) != nil || f.all[0].used {
		t.Error("not forgotten")
	}
	if f.bucket(k) == nil || *f.bucket(k) != 0 {
		t.Error("left in its bucket")
	}
}

func TestParseRequest(t *testing.T) {
	for text, want := range map[string]struct {
		v          verdict
		host, path string
		n          int
	}{
		"":                                     {v: incomplete},
		"GE":                                   {v: incomplete},
		"GET / HTT":                            {v: incomplete},
		"GET / HTTP/1.1\r\nHost: a\r\n":        {v: incomplete},
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":    {complete, "a", "/", 27},
		"GET / HTTP/1.0\nhost:a:8080 \n\nrest": {complete, "a", "/", 29},
		"GET http://b:1/c HTTP/1.1\r\nHost: a\r\n\r\n":          {complete, "b", "/c", 38},
		"PUT /x HTTP/1.1\r\nContent-Length: 7\r\n\r\n":          {complete, "", "/x", 45},
		"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n": {complete, "", "/x", -1},
		"PUT /x HTTP/1.1\r\nContent-Length: x\r\n\r\n":          {complete, "", "/x", -1},
		// A body as long as can be followed, one byte more, and one whose length
		// does not fit in the 32 bits of sequence numbers.
		"PUT /x HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n": {complete, "", "/x", 47 + 1<<30},
		"PUT /x HTTP/1.1\r\nContent-Length: 1073741825\r\n\r\n": {complete, "", "/x", -1},
		"PUT /x HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n": {complete, "", "/x", -1},

		"\x16\x03\x01":                       {v: notHTTP},
		"get / HTTP/1.1":                     {v: notHTTP},
		"GET /\r\n":                          {v: notHTTP},
		"GET / HTTP/2\r\n":                   {v: notHTTP},
		"GET / HTTP/1.1\r\nno colon\r\n\r\n": {v: notHTTP},
		strings.Repeat("A", 30):              {v: notHTTP},
	} {
		r, v := parseRequest([]byte(text))
		if v != want.v || v == complete && (string(r.host) != want.host || string(r.path) != want.path || r.n != want.n) {
			t.Errorf("%q: %v host %q path %q %d bytes, want %+v", text, v, r.host, r.path, r.n, want)
		}
	}
}

func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("uf", Class, arg)
	h.Storm("uf", 3, [][]byte{syn, get, moduletest.Frame("U1")}, func() {
		for range 2000 {
			for _, cmd := range []string{"add", "clear"} {
				var a proto.Message
				if cmd == "add" {
					a = arg
				}
				if _, err := h.Command("uf", cmd, a); err != nil {
					t.Error(err)
				}
			}
			h.Desc("uf")
		}
	})
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("uf", Class, &UrlFilterArg{Blacklist: []*UrlFilterArg_Url{{Host: "other", Path: "/"}}})
	h.NoAllocs("uf", syn, get, moduletest.Frame("U1"), to6(syn), to6(get), []byte{1})
	h = moduletest.New(t)
	h.MustCreate("uf", Class, arg)
	h.NoAllocs("uf", syn, get, to6(syn), to6(get))
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte{1}, get, uint16(0))
	moduletest.Fuzz(f, Class, func([]byte) proto.Message { return arg })
}

func FuzzCommands(f *testing.F) { moduletest.FuzzCommands(f, Class, nil) }

// FuzzStream sends arbitrary segments of one connection.
func FuzzStream(f *testing.F) {
	f.Add([]byte("\x00\x00GET / HTTP/1.1\r\nHost: www.blacklisted.com\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := moduletest.New(t)
		h.MustCreate("uf", Class, arg)
		h.Send("uf", 0, syn)
		for len(data) >= 3 {
			n := min(int(data[1]), len(data)-2)
			g := append([]byte{}, get[:54]...)
			binary.BigEndian.PutUint32(g[38:], 12346+uint32(int8(data[0]))*7)
			g = append(g, data[2:2+n]...)
			binary.BigEndian.PutUint16(g[16:], uint16(len(g)-14))
			h.Send("uf", 0, g)
			data = data[2+n:]
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, Class, arg, moduletest.Frame("T1"), moduletest.Frame("U1"))
}
