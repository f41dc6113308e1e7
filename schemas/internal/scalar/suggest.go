// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package scalar

import "strings"

// suggestMax bounds the words compared: nothing longer is a name of ours, and
// the comparison costs length times length.
const suggestMax = 64

// Suggest returns the candidate closest to word: the same letters in another
// writing (camelCase, dashes, blanks), or the smallest number of inserted,
// deleted, changed or swapped letters, at most a third of the word's length
// (at least one). It returns "" when none is close. Of equal ones the first wins.
func Suggest(word string, candidates []string) string {
	if word == "" || len(word) > suggestMax {
		return ""
	}
	plain := squash(word)
	best, bestDist := "", max(1, len(plain)/3)+1
	for _, c := range candidates {
		if len(c) > suggestMax || c == word {
			continue
		}
		if d := distance(plain, squash(c)); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// squash drops case and separators.
func squash(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '_', '-', ' ', '.':
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// distance is the optimal string alignment distance over bytes: Levenshtein
// plus swaps of neighbours.
func distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
