// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// emptyArg is what classes without arguments take.
const emptyArg = "bess.pb.EmptyArg"

// empty are the classes that take no argument although the rule of names would
// give them one (the message belongs to a command or is spelt differently), or
// that own no messages at all.
var empty = map[string]bool{
	"ArpResponder":       true, // ArpResponderArg is the argument of add
	"GtpuDecap":          true,
	"GtpuParser":         true,
	"GtpuPathMonitoring": true,
	"IPSwap":             true,
	"MPLSPop":            true, // MplsPopArg is the argument of set
	"NoOP":               true, // the message is called NoOpArg
	"UpdateTTL":          true,
}

// ModuleArg returns the message that creating a module of the class takes, or
// nil if there is no such class. It depends on the messages alone, so it also
// knows classes that this build does not offer; see ClassByName for those it
// does.
func ModuleArg(class string) protoreflect.MessageDescriptor {
	for name := range empty {
		switch {
		case name == class:
			return Message(emptyArg)
		case strings.EqualFold(name, class): // NoOp, MplsPop
			return nil
		}
	}
	folder := strings.ToLower(class)
	file := "appliance/module/" + folder + "/" + folder + ".proto"
	for _, pkg := range []protoreflect.FullName{"bess.pb", "sample.supdate.pb"} {
		if m := messageOf(pkg, class, file); m != nil {
			return m
		}
	}
	return nil
}

// DriverArg returns the message that creating a port of the driver takes, or
// nil if there is no such driver.
func DriverArg(driver string) protoreflect.MessageDescriptor {
	for _, pkg := range []protoreflect.FullName{"bess.pb", "bess.port.v1"} {
		m := messageOf(pkg, driver, "")
		if m != nil && strings.HasPrefix(m.ParentFile().Path(), "appliance/port/") {
			return m
		}
	}
	return nil
}

// hookArgs are the messages of the gate hooks, whose names do not follow those
// of the classes.
var hookArgs = map[string]protoreflect.FullName{
	"PcapNg":  "bess.pb.PcapngArg",
	"TcpDump": "bess.pb.TcpdumpArg",
	"Track":   "bess.pb.TrackArg",
}

// HookArg returns the message that attaching a gate hook of the class takes,
// or nil if there is no such class.
func HookArg(class string) protoreflect.MessageDescriptor {
	return Message(hookArgs[class])
}

// messageOf returns pkg.<name>Arg if it is declared in file ("": any).
func messageOf(pkg protoreflect.FullName, name, file string) protoreflect.MessageDescriptor {
	part := protoreflect.Name(name + "Arg")
	if !part.IsValid() {
		return nil
	}
	m := Message(pkg.Append(part))
	if m == nil || file != "" && m.ParentFile().Path() != file {
		return nil
	}
	return m
}
