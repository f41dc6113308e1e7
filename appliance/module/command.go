// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"google.golang.org/protobuf/proto"
)

// Rule says how a command relates to running workers.
type Rule int

const (
	// Concurrent commands may run while workers run the instance: what they
	// change is published as a whole. All commands of one instance are
	// serialised among themselves.
	Concurrent Rule = iota
	// Quiesced commands run while every worker that can reach the instance
	// waits at a batch boundary. No packet is lost; the wait lasts as long
	// as the command.
	Quiesced
	// Exclusive commands are refused with EBUSY while a running worker can
	// reach the instance. No class of ours needs it; it is there for classes
	// built by others.
	Exclusive
)

// String returns the rule's name as the documentation shows it.
func (r Rule) String() string {
	switch r {
	case Concurrent:
		return "concurrent"
	case Quiesced:
		return "quiesced"
	default:
		return "exclusive"
	}
}

// Command is a function that clients can call on an instance at run time.
type Command struct {
	Name string
	Help string
	Rule Rule
	// Arg and Resp are prototypes; Resp is nil for commands without result.
	Arg, Resp proto.Message
	// Run executes the command. Nothing has changed when it fails.
	Run func(m Module, arg proto.Message) (proto.Message, error)
}

// Do declares a command without result.
func Do[M Module, A proto.Message](name string, rule Rule, help string, f func(M, A) error) Command {
	return Command{
		Name: name, Help: help, Rule: rule, Arg: zero[A](),
		Run: func(m Module, arg proto.Message) (proto.Message, error) {
			return nil, f(m.(M), arg.(A))
		},
	}
}

// Ask declares a command with a result.
func Ask[M Module, A, R proto.Message](name string, rule Rule, help string, f func(M, A) (R, error)) Command {
	return Command{
		Name: name, Help: help, Rule: rule, Arg: zero[A](), Resp: zero[R](),
		Run: func(m Module, arg proto.Message) (proto.Message, error) {
			r, err := f(m.(M), arg.(A))
			if err != nil {
				return nil, err
			}
			return r, nil
		},
	}
}

// zero returns the nil message of type A as a prototype. Its type is not asked
// here: classes are declared before the descriptors are initialised.
func zero[A proto.Message]() proto.Message {
	var a A
	return a
}
