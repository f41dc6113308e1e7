// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A file is followed through what is added to it and when it is begun anew; a
// line counts when it has ended.
func TestFollowHistory(t *testing.T) {
	r := NewRing()
	path := filepath.Join(t.TempDir(), "log")
	stamp := func(d time.Duration) string { return r.made.Add(d).UTC().Format("2006-01-02T15:04:05.000Z") }
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := func(lines ...string) {
		t.Helper()
		var got []string
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			got = nil
			all, _ := r.Last(0, 7)
			for _, l := range all {
				got = append(got, fmt.Sprintf("%d %s %s", l.Priority, l.Source, l.Text))
			}
			if len(got) >= len(lines) {
				break
			}
		}
		if strings.Join(got, "\n") != strings.Join(lines, "\n") {
			t.Fatalf("%q, want %q", got, lines)
		}
	}
	// A run of the daemon before this one, and what this one has said.
	write(stamp(-time.Hour) + " 5 bessd: SIGABRT: abort\n" + stamp(time.Hour) + " 5 bessd: mine\n" + stamp(0) + " 3 init: data: no disk: none\nwhatever\n")
	if err := r.FollowHistory(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	first := []string{"5 bessd SIGABRT: abort", "3 init data: no disk: none", "6 init whatever"}
	want(first...)
	if all, _ := r.Last(0, 7); r.made.Sub(all[0].Time).Round(time.Second) != time.Hour {
		t.Errorf("the time of a line is %v", all[0].Time)
	}
	write(stamp(0) + " 4 init: half")
	time.Sleep(2 * historyEvery)
	want(first...)
	write(" a line\n")
	want(append(first, "4 init half a line")...)
	write(stamp(0) + " 5 init: the last one\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(stamp(0) + " 5 init: anew\n")
	want(append(first, "4 init half a line", "5 init the last one", "5 init anew")...)
	if err := NewRing().FollowHistory(t.Context(), path+".none"); err == nil {
		t.Error("a file that is not there is no error")
	}
}

func FuzzParseHistory(f *testing.F) {
	f.Add("2026-01-02T03:04:05.006Z 3 init: text")
	f.Add("2026-01-02T03:04:05.006Z 8 init: text")
	f.Add(" :: ")
	f.Fuzz(func(t *testing.T, text string) {
		if l, ok := parseHistory(text); ok && (l.Priority < 0 || l.Priority > 7 || l.Source == "" || !strings.HasSuffix(text, l.Text)) {
			t.Fatal(l)
		}
	})
}
