// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"os"
	"strings"
)

// maxFlagFiles is how deep flag files may name others.
const maxFlagFiles = 8

// expandFlagFiles puts the flags of every -flagfile in its place, as gflags
// does: later flags win over earlier ones.
func expandFlagFiles(args []string, depth int) ([]string, error) {
	var out []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...), nil
		}
		name, file, hasValue := strings.Cut(args[i], "=")
		if name != "-flagfile" && name != "--flagfile" {
			out = append(out, args[i])
			continue
		}
		if !hasValue {
			if i++; i == len(args) {
				return nil, fmt.Errorf("-flagfile: the file is missing")
			}
			file = args[i]
		}
		if depth == maxFlagFiles {
			return nil, fmt.Errorf("-flagfile %s: flag files name each other more than %d deep", file, maxFlagFiles)
		}
		list, err := readFlagFile(file)
		if err == nil {
			list, err = expandFlagFiles(list, depth+1)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// readFlagFile reads flags, one a line: "-name=value", "--name value" or
// "-name". Everything after the first blank is the value, as gflags has it.
func readFlagFile(file string) ([]string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-flagfile: %w", err)
	}
	var list []string
	number := 0
	for line := range strings.Lines(string(b)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] != '-' {
			return nil, fmt.Errorf("-flagfile %s:%d: %q: must be a flag, beginning with -, or a comment, beginning with #", file, number, line)
		}
		if i := strings.IndexAny(line, " \t="); i > 0 && line[i] != '=' {
			line = line[:i] + "=" + strings.TrimSpace(line[i:])
		}
		list = append(list, line)
	}
	return list, nil
}
