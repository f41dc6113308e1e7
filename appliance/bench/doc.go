// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package bench measures how many packets per second a daemon moves through
// given pipelines. It speaks nothing but the service bess.pb.BESSControl, so
// any daemon that offers it can be measured, several of them in turn with the
// very same calls: what is compared is then taken under the same conditions.
//
// A row is a pipeline with what must come out of it. For each row and target
// the pipeline is built, resumed, left to warm up, looked at (a sample of the
// packets that leave it must be right) and paused; then the targets run in
// turn, A B A B, each for some seconds. The rate is that of the traffic class of
// the task that makes the packets. In the end what was counted at the gates must
// add up: a fast wrong answer is an error.
package bench
