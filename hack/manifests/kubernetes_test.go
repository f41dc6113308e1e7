// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// objects of the example, by kind.
type objects struct {
	namespace core.Namespace
	account   core.ServiceAccount
	config    core.ConfigMap
	daemons   apps.DaemonSet
}

// decode reads the example strictly: an unknown or a doubled field is an
// error.
func decode(t *testing.T, text []byte) (o objects) {
	t.Helper()
	into := map[string]any{"v1/Namespace": &o.namespace, "v1/ServiceAccount": &o.account, "v1/ConfigMap": &o.config,
		"apps/v1/DaemonSet": &o.daemons}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var kind meta.TypeMeta
		if err := errors.Join(err, yaml.Unmarshal(doc, &kind)); err != nil {
			t.Fatal(err)
		}
		if kind.Kind == "" { // comments before the first object
			continue
		}
		name := kind.APIVersion + "/" + kind.Kind
		if into[name] == nil {
			t.Fatalf("a second or an unknown %s", name)
		}
		if err := yaml.UnmarshalStrict(doc, into[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		delete(into, name)
	}
	if len(into) > 0 {
		t.Fatalf("missing: %v", slices.Collect(maps.Keys(into)))
	}
	return o
}

func TestKubernetes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "examples/kubernetes/daemonset.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	o := decode(t, text)
	for _, ns := range []string{o.account.Namespace, o.config.Namespace, o.daemons.Namespace} {
		if ns != o.namespace.Name {
			t.Errorf("an object is in namespace %q, not in %q", ns, o.namespace.Name)
		}
	}
	if want := o.daemons.Spec.Selector.MatchLabels; !maps.Equal(o.daemons.Spec.Template.Labels, want) {
		t.Errorf("the pods have labels %v, selected are %v", o.daemons.Spec.Template.Labels, want)
	}
	pod := o.daemons.Spec.Template.Spec
	if pod.ServiceAccountName != o.account.Name || len(pod.Containers) != 1 {
		t.Fatalf("account %q, %d containers", pod.ServiceAccountName, len(pod.Containers))
	}
	container := pod.Containers[0]
	flags(t, container.Args)
	for _, p := range []*core.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
		if p == nil || p.Exec == nil || !slices.Equal(p.Exec.Command, []string{"/usr/bin/bessctl", "version"}) {
			t.Errorf("probe %v", p)
		}
	}
	for name, body := range o.config.Data {
		pipeline(t, body)
		if mounted := "-declaration=" + mountOf(t, pod, container, o.config.Name) + "/" + name; !slices.Contains(container.Args, mounted) {
			t.Errorf("%q lacks %q", container.Args, mounted)
		}
	}
}

// mountOf returns where a container finds a ConfigMap, and checks that every
// mount has its volume.
func mountOf(t *testing.T, pod core.PodSpec, c core.Container, config string) (path string) {
	t.Helper()
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == m.Name })
		if i < 0 {
			t.Fatalf("no volume %q", m.Name)
		}
		if source := pod.Volumes[i].ConfigMap; source != nil && source.Name == config {
			path = m.MountPath
		}
	}
	return path
}

// The check is worth something: what is misspelt is found.
func TestKubernetesIsStrict(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "examples/kubernetes/daemonset.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var d apps.DaemonSet
	_, last, _ := strings.Cut(string(text), "kind: DaemonSet")
	wrong := strings.Replace("apiVersion: apps/v1\nkind: DaemonSet"+last, "hostNetwork:", "hostNetworks:", 1)
	if err := yaml.UnmarshalStrict([]byte(wrong), &d); err == nil || !strings.Contains(err.Error(), "hostNetworks") {
		t.Errorf("a misspelt field: %v", err)
	}
}
