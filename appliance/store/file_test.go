// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/store"
)

// testenvOutput runs a bessd that is to end by itself.
func testenvOutput(b *box) (string, error) {
	out, err := exec.Command("timeout", "20", bessd(), "-f", "-skip_root_check", "-buffers", "1024", "-grpc_url", "unix:"+b.socket(),
		"-i", filepath.Join(b.dir, "pid"), "-store", b.store).CombinedOutput()
	return string(out), err
}

var meta = store.Meta{Generation: 7, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), By: "me", Origin: "apply", Name: "edge"}

func TestFileRoundTrip(t *testing.T) {
	for _, text := range []string{"", "x", header + "spec: {}\n#! {\"port\":{\"port\":\"p\",\"up\":true}}\n"} {
		b, err := store.Encode(meta, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		m, got, err := store.Decode(b)
		if err != nil || m != meta || string(got) != text {
			t.Fatalf("%v %q %v", m, got, err)
		}
		// No part of a file, and no file with a bit that differs, is one.
		for i := range b {
			if _, _, err := store.Decode(b[:i]); err == nil {
				t.Fatalf("%d of %d bytes pass", i, len(b))
			}
			for bit := range 8 {
				b[i] ^= 1 << bit
				if m, got, err := store.Decode(b); err == nil && (m != meta || string(got) != text) {
					t.Fatalf("byte %d, bit %d: passes as %v %q", i, bit, m, got)
				}
				b[i] ^= 1 << bit
			}
		}
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	good, err := store.Encode(meta, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file []byte
		want error
	}{
		{nil, store.ErrEmpty},
		{[]byte("apiVersion: bess.dev/v1\n"), store.ErrNoHeader},
		{good[:5], store.ErrTruncated},
		{good[:40], store.ErrTruncated},
		{good[:len(good)-1], store.ErrTruncated},
		{append(bytes.Clone(good), 'x'), store.ErrDigest},
		{bytes.Replace(good, []byte("store 1 "), []byte("store 9 "), 1), store.ErrVersion},
		{bytes.Replace(good, []byte("text"), []byte("tex."), 1), store.ErrDigest},
	} {
		if _, _, err := store.Decode(c.file); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.file, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, err := store.Encode(meta, []byte(header+"spec: {}\n#! {\"hook\":{\"module\":\"m\",\"gate\":0,\"class\":\"Track\",\"name\":\"t\"}}\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("#bess-store 1 sha256:00 0\n"))
	f.Add([]byte("#bess-store 1 sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, text, err := store.Decode(b)
		if err != nil {
			return
		}
		// What passes can be written again and says the same.
		again, err := store.Encode(m, text)
		if err != nil {
			t.Skip("a time that JSON does not know")
		}
		if m2, text2, err := store.Decode(again); err != nil || !bytes.Equal(text, text2) || !m2.Time.Equal(m.Time) {
			t.Fatalf("%v: %v %v", err, m, m2)
		}
	})
}

func FuzzDecodeRuntime(f *testing.F) {
	f.Add([]byte("#! {\"command\":{\"module\":\"fw\",\"command\":\"add\",\"arg\":{\"@type\":\"type.googleapis.com/bess.pb.EmptyArg\"}}}\n"))
	f.Add([]byte("#! {\"lost\":{\"module\":\"fw\"}}\n#! {\"port\":{\"port\":\"p\",\"mac\":\"02:00:00:00:00:01\",\"mtu\":1500,\"up\":true}}\n#! {\"untracked\":{\"module\":\"m\",\"gate\":1}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := declare.DecodeRuntime(b)
		if err != nil {
			return
		}
		text, err := declare.EncodeRuntime(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := declare.DecodeRuntime(text)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if text2, err := declare.EncodeRuntime(again); err != nil || !bytes.Equal(text, text2) {
			t.Fatalf("%v:\n%s\n%s", err, text, text2)
		}
	})
}
