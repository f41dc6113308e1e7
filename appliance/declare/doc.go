// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package declare is the declaration of a pipeline: one YAML document, or
// several that are merged, says what shall run; the difference to what does
// run is computed, and made in one transaction of the engine (design:
// DECLARATIVE.md).
//
// # The document
//
//	apiVersion: bess.dev/v1
//	kind: Pipeline
//	metadata: {name: edge, labels: {site: berlin}}
//	spec:
//	  workers:
//	    0: {core: 1}                      # scheduler: experimental
//	  ports:
//	    in: {driver: PMDPort, args: {vdev: "net_pcap0,rx_pcap=a.pcap"}, numIncQ: 1}
//	  modules:
//	    rx: {class: PortInc, args: {port: in}}
//	    fw:
//	      class: ACL
//	      args:
//	        rules:
//	          - {src_ip: 172.12.0.0/16, drop: false}
//	    drop: {class: Sink}
//	  links:
//	    - rx -> fw -> drop                # gates: a:1 -> 0:b
//	    - {from: fw, ogate: 0, to: drop, igate: 0}
//	  trafficClasses:
//	    all: {policy: round_robin, worker: 0}
//	    fast: {policy: rate_limit, resource: bit, limit: 10Gbps, maxBurst: 64k, parent: all}
//	  tasks:
//	    rx: {class: fast}                 # task 0 of rx
//	    "rx:1": {worker: 0}               # task 1
//
// Keys of the declaration are camelCase; args are those of the class's or
// driver's argument message in the .proto file, so their keys are snake_case.
// Everything under spec may be left out, and what is not declared does not
// run: applying removes it. Unknown keys, keys given twice and values of the
// wrong type are errors. All findings are reported at once, each with
// file:line:col.
//
//   - Names are 1..255 bytes without control characters.
//   - workers: the id (0..63) is the key. Without any, the engine makes worker
//     0 itself when a task needs one.
//   - ports: numIncQ, numOutQ (1..128), sizeIncQ and sizeOutQ (packets, up to
//     4096) that are left out are the driver's choice.
//   - links: in an arrow string the number after the last colon of a module is
//     its output gate and the number before the first colon its input gate;
//     both are 0 if absent. A module in the middle of a chain has both:
//     "a -> 2:b:3 -> c". Names that contain "->" or end or begin with such a
//     number need the object form.
//   - trafficClasses: limit is per second, in units of the resource (count,
//     cycle, packet, bit), as a number or with k, M or G and, where it fits,
//     Hz, pps or bps: 1M, 14.88Mpps, 10Gbps. A class is a root of worker, or a
//     child of parent; children of a priority class have a priority, those of
//     a weighted_fair class a share.
//   - tasks: the key is a module, or module:number for another task than the
//     first. The place is a traffic class, or a worker.
//
// ${NAME} and ${NAME:-default} in a value are replaced by variables of the
// environment; NAME must be set (or have a default), and "$${" is a literal
// "${". What comes out of a variable is never YAML syntax: outside of quotes
// it may become a number, a boolean or null, nothing else. Within {} and []
// it must be in quotes, as YAML reads braces there itself. Keys are left
// alone.
//
// Several documents, in one file or in many, are one declaration: their maps
// are merged and their links appended. The same key in two of them is an
// error.
package declare
