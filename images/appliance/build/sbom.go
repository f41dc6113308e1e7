// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// sbomFile lists everything in the image (SPDX 2.3, JSON).
const sbomFile = "sbom.spdx.json"

type spdx struct {
	Version       string         `json:"spdxVersion"`
	License       string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      spdxCreation   `json:"creationInfo"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []spdxRelation `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string         `json:"SPDXID"`
	Name      string         `json:"name"`
	Version   string         `json:"versionInfo"`
	Supplier  string         `json:"supplier,omitempty"`
	Location  string         `json:"downloadLocation"`
	Analyzed  bool           `json:"filesAnalyzed"`
	License   string         `json:"licenseConcluded"`
	Declared  string         `json:"licenseDeclared"`
	Copyright string         `json:"copyrightText"`
	Checksums []spdxChecksum `json:"checksums,omitempty"`
	Refs      []spdxRef      `json:"externalRefs,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelation struct {
	From string `json:"spdxElementId"`
	Kind string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

// sbom writes the list, from what the programs and packages say themselves.
func (b *builder) sbom() error {
	const none, root = "NOASSERTION", "SPDXRef-image"
	id := b.seedOf("sbom")
	s := spdx{Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: "bess-appliance-" + b.version,
		Namespace: "https://bess.dev/spdx/" + url.PathEscape(b.version) + "/" + id.String(),
		Creation:  spdxCreation{time.Unix(b.epoch, 0).UTC().Format(time.RFC3339), []string{"Tool: bess-appliance-build"}},
		Packages: []spdxPackage{{ID: root, Name: "bess-appliance", Version: b.version, Location: none, License: "Apache-2.0",
			Declared: "Apache-2.0", Copyright: "The BESS appliance authors"}},
		Relationships: []spdxRelation{{"SPDXRef-DOCUMENT", "DESCRIBES", root}}}
	add := func(p spdxPackage) {
		p.Location, p.License, p.Declared, p.Copyright = none, none, none, none
		s.Packages = append(s.Packages, p)
		s.Relationships = append(s.Relationships, spdxRelation{root, "CONTAINS", p.ID})
	}
	for _, d := range b.packages {
		add(spdxPackage{ID: spdxID("deb", d.Name), Name: d.Name, Version: d.Version, Supplier: "Organization: Debian",
			Checksums: []spdxChecksum{{"SHA256", d.SHA256}},
			Refs:      purl("pkg:deb/debian/" + d.Name + "@" + url.PathEscape(d.Version) + "?arch=amd64&distro=debian-12")})
	}
	modules, err := goModules(filepath.Join(b.work, "bessd"), filepath.Join(b.work, "init"))
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		v := modules[path]
		add(spdxPackage{ID: spdxID("go", path), Name: path, Version: v, Refs: purl("pkg:golang/" + path + "@" + url.PathEscape(v))})
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.result, sbomFile), append(text, '\n'), 0o644)
}

func purl(locator string) []spdxRef { return []spdxRef{{"PACKAGE-MANAGER", "purl", locator}} }

var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]`)

func spdxID(kind, name string) string {
	return "SPDXRef-" + kind + "-" + notInID.ReplaceAllString(name, "-")
}

// goModules returns the modules, and the Go release, that programs were built
// from, with their versions.
func goModules(programs ...string) (map[string]string, error) {
	list := map[string]string{}
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		list["stdlib"] = strings.TrimPrefix(info.GoVersion, "go")
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			list[m.Path] = m.Version
		}
	}
	return list, nil
}
