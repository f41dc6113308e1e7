// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// target is what a link in a page leads to.
var target = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)

// TestLinks follows the links of the pages that are written by hand.
func TestLinks(t *testing.T) {
	pages := []string{filepath.Join(Root(), "README.md"), filepath.Join(Root(), "ARCHITECTURE.md")}
	err := filepath.WalkDir(Example(""), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 7 {
		t.Errorf("found %q only", pages)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range target.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
