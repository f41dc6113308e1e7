// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/module/queueinc"
	"github.com/bessform/terraform-provider-bess/appliance/port/ring"
	"github.com/bessform/terraform-provider-bess/appliance/port/tap"
	"github.com/bessform/terraform-provider-bess/appliance/port/veth"
	"github.com/bessform/terraform-provider-bess/appliance/port/vport"
)

// A docker that does not answer holds up whoever asks for a container, and
// nobody else.
func TestNobodyWaitsForOthersContainers(t *testing.T) {
	p := start(t)
	create := func(name string) {
		r, err := p.CreatePort(p.ctx, &api.CreatePortRequest{Name: name, Driver: "NullPort"})
		ok(p, r, err)
	}
	create("here")
	docker := testenv.Docker(t, 0)
	for driver, arg := range map[string]proto.Message{
		"TAPPort":  &tap.TAPPortArg{Namespace: &tap.TAPPortArg_Container{Container: "web"}},
		"VethPort": &veth.VethPortArg{Namespace: &veth.VethPortArg_Container{Container: "web"}},
		"VPort":    &vport.VPortArg{Cpid: &vport.VPortArg_Docker{Docker: "web"}},
	} {
		docker.Hang()
		answer := make(chan *api.CreatePortResponse, 1)
		go func() {
			r, err := p.CreatePort(p.ctx, &api.CreatePortRequest{Name: "away", Driver: driver, Arg: pack(t, arg)})
			if err != nil {
				t.Error(err)
			}
			answer <- r
		}()
		docker.AwaitCall()
		list, err := p.ListPorts(p.ctx, &api.EmptyRequest{})
		if ok(p, list, err); len(list.GetPorts()) != 1 {
			t.Errorf("%s: ports %v", driver, list.GetPorts())
		}
		stats, err := p.GetPortStats(p.ctx, &api.GetPortStatsRequest{Name: "here"})
		ok(p, stats, err)
		create("more")
		gone, err := p.DestroyPort(p.ctx, &api.DestroyPortRequest{Name: "more"})
		ok(p, gone, err)
		select {
		case r := <-answer:
			t.Errorf("%s: the others waited until it was answered: %v", driver, r)
			answer <- r
		default:
		}
		docker.Free()
		if e := (<-answer).GetError(); int(e.GetCode()) != errno.ESRCH {
			t.Errorf("%s: error %v", driver, e)
		}
	}
}

func (p *peer) port(r *api.CreatePortRequest) *api.CreatePortResponse {
	p.t.Helper()
	c, err := p.CreatePort(p.ctx, r)
	return ok(p, c, err)
}

func (p *peer) ports() []*api.ListPortsResponse_Port {
	p.t.Helper()
	r, err := p.ListPorts(p.ctx, &api.EmptyRequest{})
	return ok(p, r, err).GetPorts()
}

func (p *peer) portNames() (names []string) {
	p.t.Helper()
	for _, port := range p.ports() {
		names = append(names, port.GetName())
	}
	return names
}

func TestDrivers(t *testing.T) {
	p := start(t)
	r, err := p.ListDrivers(p.ctx, &api.EmptyRequest{})
	names := ok(p, r, err).GetDriverNames()
	if !slices.IsSorted(names) {
		t.Errorf("drivers are not in order: %v", names)
	}
	for _, name := range []string{"PCAPPort", "PMDPort", "UnixSocketPort", "VPort"} {
		if !slices.Contains(names, name) {
			t.Errorf("no driver %s in %v", name, names)
		}
	}
	for _, name := range names {
		r, err := p.GetDriverInfo(p.ctx, &api.GetDriverInfoRequest{DriverName: name})
		info := ok(p, r, err)
		if info.GetName() != name || info.GetHelp() == "" || strings.Contains(info.GetHelp(), "\n") || len(info.GetCommands()) != 0 {
			t.Errorf("%s: %v", name, info)
		}
	}
}

// Whatever is wrong with a call to ports, the ports stay as they are.
func TestPortErrors(t *testing.T) {
	p := start(t)
	p.port(&api.CreatePortRequest{Name: "p", Driver: "NullPort"})
	before := p.ports()
	create := func(r *api.CreatePortRequest) func() (failing, error) {
		return func() (failing, error) { return p.CreatePort(p.ctx, r) }
	}
	driver := func(name string) func() (failing, error) {
		return func() (failing, error) {
			return p.GetDriverInfo(p.ctx, &api.GetDriverInfoRequest{DriverName: name})
		}
	}
	destroy := func(name string) func() (failing, error) {
		return func() (failing, error) { return p.DestroyPort(p.ctx, &api.DestroyPortRequest{Name: name}) }
	}
	set := func(name, mac string) func() (failing, error) {
		return func() (failing, error) {
			return p.SetPortConf(p.ctx, &api.SetPortConfRequest{Name: name, Conf: &api.PortConf{MacAddr: mac, Mtu: 1400}})
		}
	}
	conf := func(name string) func() (failing, error) {
		return func() (failing, error) { return p.GetPortConf(p.ctx, &api.GetPortConfRequest{Name: name}) }
	}
	stats := func(name string) func() (failing, error) {
		return func() (failing, error) { return p.GetPortStats(p.ctx, &api.GetPortStatsRequest{Name: name}) }
	}
	link := func(name string) func() (failing, error) {
		return func() (failing, error) { return p.GetLinkStatus(p.ctx, &api.GetLinkStatusRequest{Name: name}) }
	}
	const keep = "00:00:00:00:00:00"
	for _, c := range []struct {
		what string
		call func() (failing, error)
		code int
		text string
	}{
		{"info of a driver without name", driver(""), einval, "Argument must be a name in str"},
		{"info of an unknown driver", driver("NulPort"), enoent, "No driver 'NulPort' found"},

		{"no driver", create(&api.CreatePortRequest{Name: "x"}), einval, "Missing 'driver' field"},
		{"unknown driver", create(&api.CreatePortRequest{Name: "x", Driver: "NulPort"}), enoent, "No port driver 'NulPort' found"},
		{"129 incoming queues", create(&api.CreatePortRequest{Name: "x", Driver: "NullPort", NumIncQ: 129}), einval, "Invalid number of queues"},
		{"129 outgoing queues", create(&api.CreatePortRequest{Name: "x", Driver: "NullPort", NumOutQ: 129}), einval, "Invalid number of queues"},
		{"4097 packets coming in", create(&api.CreatePortRequest{Name: "x", Driver: "NullPort", SizeIncQ: 4097}), einval, "Invalid queue size"},
		{"4097 packets going out", create(&api.CreatePortRequest{Name: "x", Driver: "NullPort", SizeOutQ: 4097}), einval, "Invalid queue size"},
		{"duplicate", create(&api.CreatePortRequest{Name: "p", Driver: "NullPort"}), eexist, "Port 'p' already exists"},
		{"duplicate of another driver", create(&api.CreatePortRequest{Name: "p", Driver: "RingPort"}), eexist, "Port 'p' already exists"},

		{"destroy without name", destroy(""), einval, "Argument must be a name in str"},
		{"destroy unknown", destroy("x"), enoent, "No port `x' found"},
		{"set without name", set("", keep), einval, "Port name is not given"},
		{"set unknown", set("x", keep), enoent, "No port `x' found"},
		{"set no address", set("p", ""), einval, "MAC address should be formatted xx:xx:xx:xx:xx:xx"},
		{"set five pairs", set("p", "02:00:00:00:01"), einval, "MAC address should be formatted xx:xx:xx:xx:xx:xx"},
		{"configuration without name", conf(""), einval, "Port name is not given"},
		{"configuration of unknown", conf("x"), enoent, "No port `x' found"},
		{"statistics without name", stats(""), enoent, "No port '' found"},
		{"statistics of unknown", stats("x"), enoent, "No port 'x' found"},
		{"link without name", link(""), enoent, "No port '' found"},
		{"link of unknown", link("x"), enoent, "No port 'x' found"},
	} {
		t.Run(c.what, func(t *testing.T) {
			here := *p
			here.t = t
			refused[failing](&here, c.code, c.text)(c.call())
			if after := p.ports(); !slices.EqualFunc(before, after, func(a, b *api.ListPortsResponse_Port) bool { return proto.Equal(a, b) }) {
				t.Errorf("ports %v, want %v", after, before)
			}
		})
	}
	r, err := p.GetPortConf(p.ctx, &api.GetPortConfRequest{Name: "p"})
	if c := ok(p, r, err).GetConf(); c.GetMtu() != 1500 || !c.GetAdminUp() {
		t.Errorf("a refused change has changed %v", c)
	}
}

func TestPortsAreListedAsInEffect(t *testing.T) {
	p := start(t)
	arg := pack(t, &ring.RingPortArg{Ring: "r"})
	p.port(&api.CreatePortRequest{Name: "most", Driver: "NullPort", NumIncQ: 128, NumOutQ: 128, SizeIncQ: 4096, SizeOutQ: 4096})
	p.port(&api.CreatePortRequest{Name: "given", Driver: "RingPort", Arg: arg})
	for _, want := range []string{"null_port0", "null_port1"} {
		if got := p.port(&api.CreatePortRequest{Driver: "NullPort"}).GetName(); got != want {
			t.Errorf("an unnamed port is %q, want %q", got, want)
		}
	}
	list := p.ports()
	if names := p.portNames(); !slices.Equal(names, []string{"given", "most", "null_port0", "null_port1"}) {
		t.Fatalf("ports %v", names)
	}
	if g := list[0]; g.GetDriver() != "RingPort" || !proto.Equal(g.GetDriverArg(), arg) {
		t.Errorf("port %v", g)
	}
	if m := list[1]; m.GetNumIncQ() != 128 || m.GetNumOutQ() != 128 || m.GetSizeIncQ() != 4096 || m.GetSizeOutQ() != 4096 {
		t.Errorf("port %v", m)
	}
	if n := list[2]; n.GetNumIncQ() != 1 || n.GetNumOutQ() != 1 || n.GetSizeIncQ() != 1024 || n.GetSizeOutQ() != 1024 {
		t.Errorf("port %v", n)
	}
}

func TestPortConf(t *testing.T) {
	p := start(t)
	mac := p.port(&api.CreatePortRequest{Name: "p", Driver: "NullPort"}).GetMacAddr()
	is := func(mac string, mtu uint32, up bool) {
		t.Helper()
		r, err := p.GetPortConf(p.ctx, &api.GetPortConfRequest{Name: "p"})
		if got, want := ok(p, r, err).GetConf(), (&api.PortConf{MacAddr: mac, Mtu: mtu, AdminUp: up}); !proto.Equal(got, want) {
			t.Errorf("configuration %v, want %v", got, want)
		}
		if listed := p.ports()[0].GetMacAddr(); listed != mac {
			t.Errorf("listed with %s, want %s", listed, mac)
		}
	}
	set := func(c *api.PortConf) {
		t.Helper()
		r, err := p.SetPortConf(p.ctx, &api.SetPortConfRequest{Name: "p", Conf: c})
		ok(p, r, err)
	}
	is(mac, 1500, true)
	set(&api.PortConf{MacAddr: "00:00:00:00:00:00", Mtu: 1400})
	is(mac, 1400, false)
	set(&api.PortConf{MacAddr: "02:00:00:00:AB:cd", AdminUp: true})
	is("02:00:00:00:ab:cd", 1400, true)
}

func TestLinkStatus(t *testing.T) {
	p := start(t)
	is := func(name string, up bool) {
		t.Helper()
		r, err := p.GetLinkStatus(p.ctx, &api.GetLinkStatusRequest{Name: name})
		want := &api.GetLinkStatusResponse{FullDuplex: true, Autoneg: true, LinkUp: up}
		if got := ok(p, r, err); !proto.Equal(got, want) {
			t.Errorf("%s: link %v, want %v", name, got, want)
		}
	}
	p.port(&api.CreatePortRequest{Name: "null", Driver: "NullPort"}) // has no notion of a link
	is("null", true)
	p.port(&api.CreatePortRequest{Name: "a", Driver: "RingPort", Arg: pack(t, &ring.RingPortArg{Ring: "r"})})
	is("a", false)
	p.port(&api.CreatePortRequest{Name: "b", Driver: "RingPort", Arg: pack(t, &ring.RingPortArg{Ring: "r"})})
	is("a", true)
	is("b", true)
}

func TestResetPorts(t *testing.T) {
	p := start(t)
	for _, name := range []string{"c", "a", "b"} {
		p.port(&api.CreatePortRequest{Name: name, Driver: "NullPort"})
	}
	p.make("in", "QueueInc", &queueinc.QueueIncArg{Port: "b"})
	const busy = "Device or resource busy: port b is used by module in"
	refused[failing](p, ebusy, busy)(p.DestroyPort(p.ctx, &api.DestroyPortRequest{Name: "b"}))
	refused[failing](p, ebusy, busy)(p.ResetPorts(p.ctx, &api.EmptyRequest{}))
	if names := p.portNames(); !slices.Equal(names, []string{"b", "c"}) {
		t.Fatalf("ports %v are left, want those from the one in use on", names)
	}
	d, err := p.DestroyModule(p.ctx, &api.DestroyModuleRequest{Name: "in"})
	ok(p, d, err)
	for range 2 { // the second time there is none
		r, err := p.ResetPorts(p.ctx, &api.EmptyRequest{})
		ok(p, r, err)
		if names := p.portNames(); len(names) != 0 {
			t.Fatalf("ports %v are left", names)
		}
	}
}
