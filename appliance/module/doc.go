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
package module
