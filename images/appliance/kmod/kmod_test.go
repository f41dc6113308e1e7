// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const depText = `kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/net/virtio_net.ko: kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/net/core/failover.ko:
kernel/a-b.ko: kernel/c_d.ko
kernel/c_d.ko: kernel/a-b.ko
kernel/broken.ko: kernel/gone.ko
`

const aliasText = `# comment
alias virtio:d00000001v* virtio_net
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio-pci
`

func index(t *testing.T) *Index {
	t.Helper()
	x, err := Parse(strings.NewReader(depText), strings.NewReader(aliasText))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestOrderPutsNeedsFirst(t *testing.T) {
	got, err := index(t).Order("virtio-net")
	want := []string{"failover", "virtio_ring", "virtio", "virtio_net"}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%v %v, want %v", got, err, want)
	}
	got, err = index(t).Order("a_b")
	if err != nil || !slices.Equal(got, []string{"c_d", "a_b"}) {
		t.Fatalf("circle: %v %v", got, err)
	}
}

func TestOrderNamesWhatIsMissing(t *testing.T) {
	x := index(t)
	if _, err := x.Order("nope"); err == nil || err.Error() != "module nope is not in the image" {
		t.Error(err)
	}
	if _, err := x.Order("broken"); err == nil || err.Error() != "module gone, which broken needs, is not in the image" {
		t.Error(err)
	}
}

func TestMatch(t *testing.T) {
	x := index(t)
	for modalias, want := range map[string][]string{
		"virtio:d00000001v00001AF4":                             {"virtio_net"},
		"pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00": {"virtio_pci"},
		"pci:v00008086d0000100E":                                nil,
	} {
		if got := x.Match(modalias); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", modalias, got, want)
		}
	}
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range [][2]string{{"no colon here\n", ""}, {"", "alias only-two\n"}, {"", "blacklist a b\n"}} {
		if _, err := Parse(strings.NewReader(c[0]), strings.NewReader(c[1])); err == nil {
			t.Errorf("%q: no error", c)
		}
	}
}

func TestModinfo(t *testing.T) {
	m := parseModinfo([]byte("license=GPL\x00alias=pci:v1*\x00alias=has blank\x00depends=a-b,c\x00softdep=pre: d e post: f\x00\x00"))
	if !reflect.DeepEqual(m, &info{needs: []string{"a_b", "c", "d", "e"}, aliases: []string{"pci:v1*"}}) {
		t.Fatalf("%+v", m)
	}
}

func TestSelectFollowsNeedsAndRefusesTypos(t *testing.T) {
	tree := &Tree{modules: map[string]*info{
		"virtio_net": {path: "kernel/net/virtio_net.ko", needs: []string{"virtio", "built_in"}, aliases: []string{"virtio:d1v*"}},
		"virtio":     {path: "kernel/virtio/virtio.ko"},
		"other":      {path: "kernel/other.ko"},
	}}
	got, err := tree.Select([]string{"kernel/net/*.ko"})
	if err != nil || !slices.Equal(got, []string{"virtio", "virtio_net"}) {
		t.Fatalf("%v %v", got, err)
	}
	if byFolder, err := tree.Select([]string{"kernel/net/"}); err != nil || !slices.Equal(byFolder, got) {
		t.Fatalf("%v %v", byFolder, err)
	}
	if _, err := tree.Select([]string{"kernel/nett/"}); err == nil || !strings.Contains(err.Error(), `"kernel/nett/"`) {
		t.Fatal(err)
	}
	var dep, al bytes.Buffer
	if err := tree.WriteIndex(got, &dep, &al); err != nil {
		t.Fatal(err)
	}
	x, err := Parse(&dep, &al)
	if err != nil {
		t.Fatal(err)
	}
	order, err := x.Order(x.Match("virtio:d1v0")[0])
	if err != nil || !slices.Equal(order, []string{"virtio", "virtio_net"}) {
		t.Fatalf("%v %v", order, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(depText, aliasText, "virtio:d00000001v00001AF4")
	f.Fuzz(func(t *testing.T, dep, al, modalias string) {
		x, err := Parse(strings.NewReader(dep), strings.NewReader(al))
		if err != nil {
			return
		}
		for _, name := range x.Match(modalias) {
			_, _ = x.Order(name)
		}
		for name := range x.paths {
			list, err := x.Order(name)
			if err == nil && list[len(list)-1] != name {
				t.Fatalf("%s is not last in %v", name, list)
			}
		}
	})
}
