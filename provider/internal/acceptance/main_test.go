// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package acceptance runs the provider as users do: a real terraform, and a
// real bessd process for each test. It has nothing but tests.
package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/bessform/terraform-provider-bess/provider/internal/provider"
)

// built are the programs that tests start.
var built struct {
	once            sync.Once
	err             error
	bessd, provider string // paths; provider's folder has nothing else in it
}

// work is a folder with a short path, because socket paths are limited.
var work string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if work, err = os.MkdirTemp("", "bess"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(work) }()
	rc := filepath.Join(work, "terraformrc")
	if err := os.WriteFile(rc, []byte(cliConfig()), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for k, v := range map[string]string{
		"TF_ACC": "1", "CHECKPOINT_DISABLE": "1", "TF_ACC_TERRAFORM_PATH": terraformPath(),
		"TF_CLI_CONFIG_FILE": rc, "TF_IN_AUTOMATION": "1",
	} {
		if err := os.Setenv(k, v); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// cliConfig makes terraform take the provider that was built here.
func cliConfig() string {
	return fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"bessform/bess\" = %q\n  }\n  direct {}\n}\n",
		filepath.Join(work, "plugins"))
}

func terraformPath() string {
	path, _ := exec.LookPath("terraform")
	return path
}

// reason is why a test cannot run on this machine.
type reason string

const (
	noTerraform reason = "needs terraform on PATH"
	noTime      reason = "takes long, and -short was given"
)

// skip ends the test as skipped; with CI=true that is a failure, because what
// nobody runs there, nobody runs at all.
func skip(t *testing.T, why reason) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s; with CI=true no test may be skipped", why)
	}
	t.Skip(string(why))
}

// need skips the test unless it can run, and builds the programs once.
func need(t *testing.T) {
	t.Helper()
	if testing.Short() {
		skip(t, noTime)
	}
	if terraformPath() == "" {
		skip(t, noTerraform)
	}
	built.once.Do(compile)
	if built.err != nil {
		t.Fatal(built.err)
	}
}

func compile() {
	built.bessd = filepath.Join(work, "bessd")
	built.provider = filepath.Join(work, "plugins", "terraform-provider-bess")
	for out, pkg := range map[string]string{built.bessd: "./appliance/cmd/bessd", built.provider: "./provider"} {
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Dir = "../../.."
		if text, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%s: %w\n%s", cmd, err, text)
			return
		}
	}
}

// factories run the provider inside the test, so that it can be debugged and
// its coverage is seen.
var factories = map[string]func() (tfprotov6.ProviderServer, error){
	"bess": providerserver.NewProtocol6WithError(provider.New("test")()),
}

// hcl joins pieces of configuration below a provider block.
func hcl(d *daemon, parts ...string) string {
	return fmt.Sprintf("provider \"bess\" {\n  address = %q\n}\n", d.address) + strings.Join(parts, "\n")
}
