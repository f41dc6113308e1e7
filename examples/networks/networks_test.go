// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package networks runs each example as YAML and as Terraform, with real
// programs in network namespaces as the hosts.
package networks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// site is a running example, or one of its daemons.
type site struct {
	*rig.Network
	*rig.Daemon
	t *testing.T
}

// each builds an example once from its YAML file and once with Terraform in a
// network of namespaces, and checks what runs then.
func each(t *testing.T, example string, namespaces []string, check func(s site)) {
	t.Run("yaml", func(t *testing.T) {
		n := rig.NewNetwork(t, namespaces...)
		s := site{n, n.Daemon(), t}
		s.apply(path.Join("networks", example, example+".yaml"))
		s.Script(path.Join("networks", example, "setup.sh"), "NS="+s.Prefix)
		check(s)
	})
	t.Run("terraform", func(t *testing.T) {
		n := rig.NewNetwork(t, namespaces...)
		s := site{n, n.Daemon(), t}
		tf := s.Terraform("networks/"+example, "ns="+s.Prefix)
		tf.Apply()
		s.Script(path.Join("networks", example, "setup.sh"), "NS="+s.Prefix)
		tf.Unchanged()
		check(s)
		tf.Destroy()
		s.empty(namespaces...)
	})
}

// pair is each for an example of two daemons, a and b. what they are called is
// part of the names of their files, and a variable of Terraform.
func pair(t *testing.T, example, what string, namespaces []string, check func(a site)) {
	folder := path.Join("networks", example)
	t.Run("yaml", func(t *testing.T) {
		n := rig.NewNetwork(t, namespaces...)
		a, b := site{n, n.Daemon(), t}, site{n, n.Daemon(), t}
		a.apply(path.Join(folder, what+"-a.yaml"))
		b.apply(path.Join(folder, what+"-b.yaml"))
		a.Script(path.Join(folder, "setup.sh"), "NS="+n.Prefix)
		check(a)
	})
	t.Run("terraform", func(t *testing.T) {
		n := rig.NewNetwork(t, namespaces...)
		both := map[string]site{"a": {n, n.Daemon(), t}, "b": {n, n.Daemon(), t}}
		var states []*rig.Terraform
		for name, s := range both {
			tf := s.Terraform(folder, "ns="+n.Prefix, what+"="+name)
			tf.Apply()
			tf.Unchanged()
			states = append(states, tf)
		}
		both["a"].Script(path.Join(folder, "setup.sh"), "NS="+n.Prefix)
		check(both["a"])
		for _, tf := range states {
			tf.Destroy()
		}
		both["a"].empty(namespaces...)
		both["b"].empty()
	})
}

// apply makes the daemon run a YAML file.
func (s site) apply(file string) {
	s.t.Helper()
	s.Setenv("NS", s.Prefix)
	s.MustBessctl("apply", rig.Example(file))
	s.MustBessctl("diff", rig.Example(file))
}

// empty fails the test unless nothing is left on the daemon and no interface in
// the namespaces.
func (s site) empty(namespaces ...string) {
	s.t.Helper()
	workers, err := s.Workers(context.Background())
	s.Daemon.Must(err)
	if left := s.Contents(); len(left)+len(workers) > 0 {
		s.t.Errorf("left over: %v %v", left, workers)
	}
	for _, ns := range namespaces {
		for _, kind := range []string{"tun", "veth"} {
			if out := s.Network.Must(ns, "ip", "-o", "link", "show", "type", kind); out != "" {
				s.t.Errorf("left over in %s: %s", ns, out)
			}
		}
	}
}

// download fetches random bytes over HTTP, from one namespace to another.
func (s site) download(from, address, to string) {
	s.t.Helper()
	content := make([]byte, 3<<20)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	s.Serve(from, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
	s.fetch(to, address, content)
}

// fetch has curl fetch what must be the content.
func (s site) fetch(to, address string, content []byte) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "fetched")
	s.Network.Must(to, "curl", "-sS", "-g", "--max-time", "240", "-o", file, "http://"+address+"/")
	sum := s.Network.Must(to, "sha256sum", file)
	if want := fmt.Sprintf("%x", sha256.Sum256(content)); !strings.HasPrefix(sum, want) {
		s.t.Errorf("%s fetched something else from %s", to, address)
	}
}

// transfer sends some megabytes of TCP with iperf3 and checks that no host got
// a segment with a wrong checksum. client and server are namespaces.
func (s site) transfer(client, server, address string) {
	s.t.Helper()
	const bytes, window = 8 << 20, 128 << 10
	stop := s.Network.Start(server, "iperf3", "-s")
	defer stop()
	var out string
	rig.Eventually(s.t, "iperf3 answers", func() bool {
		var err error
		out, err = s.Network.Run(client, "iperf3", "-c", address, "-n", fmt.Sprint(bytes), "-w", fmt.Sprint(window), "-J")
		return err == nil && !strings.Contains(out, `"error"`)
	})
	var report struct {
		End struct {
			Sent, Received struct {
				Bytes float64
				Rate  float64 `json:"bits_per_second"`
			}
		}
	}
	out = strings.NewReplacer(`"sum_sent"`, `"sent"`, `"sum_received"`, `"received"`).Replace(out)
	s.Daemon.Must(json.Unmarshal([]byte(out), &report))
	// The server stops counting when the client has handed all to its socket.
	// What the sockets on the way may hold, twice the window each and the
	// blocks that both work at, may be missing.
	if e := report.End; e.Sent.Bytes < bytes || e.Received.Bytes < bytes-8*window {
		s.t.Errorf("%s sent %.0f bytes, want %d, and %s received %.0f, want %d", client, e.Sent.Bytes, bytes, server, e.Received.Bytes, bytes-8*window)
	}
	s.t.Logf("%s to %s: %.0f Mbit/s", client, server, report.End.Received.Rate/1e6)
	for _, ns := range []string{client, server} {
		s.noWrongChecksums(ns)
	}
}

func (s site) noWrongChecksums(ns string) {
	s.t.Helper()
	for _, protocol := range []string{"Ip:", "Icmp:", "Tcp:", "Udp:"} {
		var names, values []string
		for _, line := range strings.Split(s.Network.Must(ns, "cat", "/proc/net/snmp"), "\n") {
			if f := strings.Fields(line); len(f) > 0 && f[0] == protocol {
				names, values = values, f
			}
		}
		for i, name := range names {
			if (name == "InCsumErrors" || name == "InHdrErrors") && values[i] != "0" {
				s.t.Errorf("%s: %s %s: %s", ns, protocol, name, values[i])
			}
		}
	}
}

// same fails the test unless two recordings are equal.
func same(t *testing.T, what string, have, want [][]byte) {
	t.Helper()
	if len(have) != len(want) {
		t.Errorf("%s: %d packets, want %d", what, len(have), len(want))
		return
	}
	for i := range want {
		if !bytes.Equal(have[i], want[i]) {
			t.Errorf("%s: packet %d is\n%x, want\n%x", what, i, have[i], want[i])
		}
	}
}

// pings are the echo requests, and as many replies, of each exchange that is
// recorded.
const pings = 3

// ping exchanges them.
func (s site) ping(from, address string) {
	s.t.Helper()
	s.Network.Must(from, "ping", "-c", fmt.Sprint(pings), "-i", "0.1", "-W", "10", "-s", "1000", address)
}
