// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package acltable finds the first rule of an access list that matches a
// packet: networks of source and destination and exact ports. What follows is
// about IPv4; lists for IPv6 are told of at Table6.
//
// Short lists are scanned. Longer ones are compiled by Build, and the time of
// a lookup then hardly depends on their length:
//
//	source address      --16-8-8 trie--> class --+
//	destination address --16-8-8 trie--> class --+-- four records, one cache
//	source port         --table--------> class --+   line each: best rule of
//	destination port    --table--------> class --+   one dimension, summary
//	                                                 of the others
//
// A class stands for all values that the same rules match in one dimension.
// What the records hold and how they are intersected is told at type stage.
//
// Ownership: a Table never changes. Whoever publishes it (in an
// atomic.Pointer) calls Release when the last reader is done with it. A Memo
// belongs to one worker.
package acltable
