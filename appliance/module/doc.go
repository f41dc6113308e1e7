// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package module is the contract between the engine and the module classes.
//
// A class is one folder below this one. It begins with a Class value that
// says everything a user may set, call or count, followed by one validation
// used by create and command alike, the instance's struct, its Process and
// its commands. Classes know this package, port, packet, header, table and
// sys, never each other and never the graph they are part of.
//
// Lifecycle of an instance: the argument is decoded strictly and checked
// against the ranges in its .proto file; Class.New validates the rest and
// builds the instance, registering metadata attributes and tasks with its
// Env; the engine puts it into the next snapshot of the graph; workers call
// Process and RunTask; commands run meanwhile; after the last worker has left
// the last snapshot with the instance in it, Close is called, once.
//
// # Classes outside this repository
//
// Everything a class needs is public: this package for the contract, packet
// for packets and batches, header for protocol headers, sys for clocks, locks
// and memory outside the Go heap, port for those that use ports, errno for
// errors with a code, and moduletest for tests. A program of its own gives its
// classes to the engine beside those that exist:
//
//	daemon.Main(daemon.Config{Engine: engine.Options{
//		Classes: append(all.Classes(), mark.Class), …}}, os.Args[1:], os.Stdout, os.Stderr)
//
// The argument is any protobuf message of a package of its own, with the
// options of appliance/api/option if it likes. examples/custom-class is such a
// program; its test builds it outside.
//
// What such classes can rely on: names and meaning of what this package, packet
// and header export change only with the major version of the module. What is
// exported for the engine alone says so in its comment (NewEnv,
// NewContext, Node, Out, In, Cells, Fault).
package module
