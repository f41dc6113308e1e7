// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/schemas"
)

// unit is what the folder of a class, driver or hook contains besides code.
type unit struct {
	dir     string
	sources []string // files the documentation is made from
	example string
	tests   []test
	// pkgDoc is the package comment of the Go file.
	pkgDoc string
}

// test is a file with tests.
type test struct{ file, title string }

// readUnit looks into the folder dir/folder.
func readUnit(root fs.FS, dir, folder string) (*unit, error) {
	u := &unit{dir: path.Join(dir, folder)}
	for _, name := range []string{folder + ".proto", folder + ".go", "example.txtar"} {
		text, err := fs.ReadFile(root, path.Join(u.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		u.sources = append(u.sources, name)
		switch name {
		case "example.txtar":
			u.example = string(text)
		case folder + ".go":
			file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				return nil, err
			}
			u.pkgDoc = file.Doc.Text()
		}
	}
	for _, pattern := range []string{"*_test.go", "testdata/*.txtar"} {
		names, err := fs.Glob(root, path.Join(u.dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(root, name)
			if err != nil {
				return nil, err
			}
			t := test{file: strings.TrimPrefix(name, u.dir+"/")}
			if strings.HasSuffix(name, ".txtar") {
				t.title = title(string(text))
			}
			u.tests = append(u.tests, t)
		}
	}
	return u, nil
}

// title returns the first comment of a script that is not about its licence.
func title(script string) string {
	for line := range strings.Lines(script) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		text = strings.TrimSpace(text)
		switch {
		case strings.HasPrefix(text, "SPDX"), text == "" && (ok || strings.TrimSpace(line) == ""):
		case ok:
			return text
		default:
			return ""
		}
	}
	return ""
}

// doc returns the long description of a unit: the comment of its argument. For
// those that take none it is the comment of the first message in its .proto file,
// or else the package comment without its first paragraph.
func (u *unit) doc(arg protoreflect.FullName) string {
	if msg := schemas.Message(arg); msg != nil && arg != emptyArg {
		return schemas.Comment(msg)
	}
	file, err := schemas.Files().FindFileByPath(path.Join(u.dir, path.Base(u.dir)+".proto"))
	if err == nil && file.Messages().Len() > 0 {
		return schemas.Comment(file.Messages().Get(0))
	}
	_, rest, _ := strings.Cut(u.pkgDoc, "\n\n")
	return strings.TrimSpace(rest)
}
