// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package tutorial runs every pipeline of the tutorial as YAML and as
// Terraform, on a real daemon, and counts packets.
package tutorial

import (
	"bytes"
	"context"
	"net"
	"path"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// many packets are enough for every counter to have moved.
const many = 60_000

// each builds an example once from its YAML file and once with Terraform, and
// checks the pipeline that runs then.
func each(t *testing.T, folder, file string, check func(t *testing.T, d *rig.Daemon)) {
	yaml := rig.Example(path.Join("tutorial", folder, file))
	t.Run("yaml", func(t *testing.T) {
		d := rig.Start(t)
		d.MustBessctl("validate", yaml)
		d.MustBessctl("apply", yaml)
		d.MustBessctl("diff", yaml)
		check(t, d)
	})
	t.Run("terraform", func(t *testing.T) {
		d := rig.Start(t)
		tf := d.Terraform(path.Join("tutorial", folder))
		tf.Apply()
		tf.Unchanged()
		check(t, d)
		tf.Destroy()
		workers, err := d.Workers(context.Background())
		d.Must(err)
		if left := d.Contents(); len(left)+len(workers) > 0 {
			t.Errorf("left over: %v %v", left, workers)
		}
	})
}

// wholeRounds makes the source's bursts multiples of six, so that all counts
// are.
func wholeRounds(d *rig.Daemon) {
	d.Command("src", "set_burst", &source.SourceCommandSetBurstArg{Burst: 60})
}

func TestTutorial(t *testing.T) {
	each(t, "", "tutorial.yaml", func(t *testing.T, d *rig.Daemon) {
		checkTemplates(t, d)
		wholeRounds(d)
		n := d.Window(many, func() []uint64 {
			c, rules := d.Counters("fw")
			return []uint64{d.Left("src", 0), d.Left("rewrite", 0), d.Left("fw", 0), c["allowed"], c["no_rule"], rules[0]}
		})
		six := n[0]
		if six%60 != 0 || !slices.Equal(n, []uint64{six, six, six / 2, six / 2, six / 2, six / 2}) {
			t.Errorf("made, rewritten, passed, allowed, denied, decided by the rule: %d; want three of six to pass", n)
		}
	})
}

// checkTemplates compares what the daemon has with packets made by gopacket.
func checkTemplates(t *testing.T, d *rig.Daemon) {
	t.Helper()
	arg, err := d.InitialArg(context.Background(), "rewrite")
	d.Must(err)
	var have rewrite.RewriteArg
	d.Must(arg.UnmarshalTo(&have))
	for i, p := range []struct {
		src, dst string
		tcp      bool
	}{
		{"172.16.100.1", "10.0.0.1", false}, {"172.12.55.99", "12.34.56.78", false}, {"172.12.55.99", "10.0.0.1", false},
		{"172.16.100.1", "12.34.56.78", false}, {"172.12.55.99", "12.34.56.78", true}, {"192.168.1.123", "12.34.56.78", false},
	} {
		if want := frame(t, p.src, p.dst, p.tcp); i >= len(have.Templates) || !bytes.Equal(have.Templates[i], want) {
			t.Fatalf("template %d is not\n%x\nin %x", i, want, have.Templates)
		}
	}
	if len(have.Templates) != 6 {
		t.Errorf("%d templates, want 6", len(have.Templates))
	}
}

// frame makes a packet of the tutorial.
func frame(t *testing.T, src, dst string, tcp bool) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{0x02, 0x1e, 0x67, 0x9f, 0x4d, 0xae},
		DstMAC: net.HardwareAddr{0x06, 0x16, 0x3e, 0x1b, 0x72, 0x32}, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, SrcIP: net.ParseIP(src), DstIP: net.ParseIP(dst), Protocol: layers.IPProtocolUDP}
	var l4 interface {
		gopacket.SerializableLayer
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	} = &layers.UDP{SrcPort: 10001, DstPort: 10002}
	if tcp {
		ip.Protocol = layers.IPProtocolTCP
		l4 = &layers.TCP{SrcPort: 10001, DstPort: 10002, SYN: true, Window: 8192}
	}
	if err := l4.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		eth, ip, l4, gopacket.Payload("helloworld"))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()[:14+int(ip.Length)] // without the padding of a wire
}

func TestGates(t *testing.T) {
	each(t, "gates", "gates.yaml", func(t *testing.T, d *rig.Daemon) {
		wholeRounds(d)
		n := d.Window(many, func() []uint64 {
			return []uint64{d.Left("rewrite", 0), d.Left("net", 12), d.Left("net", 16), d.Left("net", 168),
				d.Left("lanes", 0), d.Left("lanes", 1), d.Left("others", 0)}
		})
		six := n[0]
		if !slices.Equal(n, []uint64{six, six / 6 * 3, six / 6 * 2, six / 6, six / 6 * 3, six / 6 * 2, six / 6 * 3}) {
			t.Errorf("packets at the gates: %d; want 6, 3, 2, 1, 3, 2, 3 of six", n)
		}
	})
}
