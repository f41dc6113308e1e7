// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"testing"
)

func TestCompletion(t *testing.T) {
	p := startEdge(t)
	for line, want := range map[string]string{
		"show m|":                         "mclass mempool module",
		"show module |":                   "copy fw gone idle join mark put round rx store tx",
		"show module fw r|":               "round rx",
		"show module rx r|":               "round",
		"show pipeline s|":                "store",
		"show port |":                     "lan",
		"show worker |":                   "0 1",
		"show tc s|":                      "slow",
		"show tc !leaf_i|":                "!leaf_idle:0",
		"show mclass Que|":                "Queue QueueInc QueueOut",
		"show driver Unix|":               "UnixSocketPort",
		"show hooks f|":                   "fw",
		"show mempool |":                  "",
		"monitor module f|":               "fw",
		"monitor module fw |":             "",
		"monitor tc m|":                   "main",
		"monitor port |":                  "lan",
		"pause |":                         "0 1",
		"resume 0 |":                      "1",
		"command |":                       "hook module",
		"command module i|":               "idle",
		"command module idle set_|":       "set_burst set_pkt_size",
		"command module gone |":           "get_initial_arg",
		"command module idle set_burst |": "burst=",
		"command module idle set_burst burst=1 |": "",
		"command hook |":                   "track0",
		"command hook track0 co|":          "copy",
		"command hook track0 copy |":       "out",
		"command hook track0 copy out |":   "0 1",
		"command hook track0 copy out 1 |": "reset",
		"command module none |":            "",
		"explain Que|":                     "Queue QueueInc QueueOut",
		"explain ACL.rules.src|":           "ACL.rules.src_ip ACL.rules.src_port",
		"explain Queue.set_s|":             "Queue.set_size",
		"explain ACL |":                    "",
	} {
		words := strings.Fields(strings.TrimSuffix(line, "|"))
		if strings.HasSuffix(line, " |") {
			words = append(words, "")
		}
		if got := completions(t, p.socket, words); !sameWords(got, want) {
			t.Errorf("%s completes to %q, want %q", line, got, want)
		}
	}
}

// sameWords compares regardless of order.
func sameWords(a, b string) bool {
	count := map[string]int{}
	for _, w := range strings.Fields(a) {
		count[w]++
	}
	for _, w := range strings.Fields(b) {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// completions asks as the scripts for shells do.
func completions(t *testing.T, socket string, words []string) string {
	t.Helper()
	r := runAt(context.Background(), nil, "", append([]string{"__complete", "--address", "unix:" + socket}, words...)...)
	if r.code != 0 {
		t.Fatalf("%v: %+v", words, r)
	}
	var list []string
	for line := range strings.Lines(r.out) {
		word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !strings.HasPrefix(word, ":") {
			list = append(list, word)
		}
	}
	return strings.Join(list, " ")
}

// Without a daemon there is nothing to offer, and the shell must not see an
// error.
func TestCompletionWithoutDaemon(t *testing.T) {
	if got := completions(t, t.TempDir()+"/none", []string{"show", "module", ""}); got != "" {
		t.Errorf("completes to %q", got)
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := runAt(context.Background(), nil, "", "completion", shell)
		if r.code != 0 || !strings.Contains(r.out, "__complete") {
			t.Errorf("%s: exit %d, %q, %d bytes", shell, r.code, r.err, len(r.out))
		}
	}
}
