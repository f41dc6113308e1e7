// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package system is the service bess.appliance.v1.Appliance: the machine and
// the process around the pipeline, as an operator sees them. It knows
// conditions (health), facts about the machine, the log, and how to ask the
// init process to switch off. It changes nothing in the pipeline.
package system
