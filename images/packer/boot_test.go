// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// TestBoot starts the image BESS_TEST_IMAGE as a cloud does, with BIOS and with
// UEFI: cloud-init reads the name, flags and a pipeline from a seed.
func TestBoot(t *testing.T) {
	image := os.Getenv("BESS_TEST_IMAGE")
	if image == "" {
		t.Skip("takes minutes: make test-image-packer")
	}
	need.Programs(t, vm.Program, "mkfs.vfat", "mcopy")
	for name, firmware := range map[string]string{"bios": "", "uefi": vm.OVMF()} {
		t.Run(name, func(t *testing.T) {
			if name == "uefi" && firmware == "" {
				need.Skip(t, need.NoFile, "OVMF_CODE.fd of Debian's package ovmf")
			}
			boot(t, image, firmware)
		})
	}
}

// patience is three times that for the appliance: this machine starts a whole
// Debian.
const patience = 3 * vm.Patience

func boot(t *testing.T, image, firmware string) {
	dir, err := os.MkdirTemp("", "boot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	seed := filepath.Join(dir, "seed.img")
	if out, err := exec.Command("./seed.sh", seed, "testdata/meta-data", "testdata/user-data").CombinedOutput(); err != nil {
		t.Fatalf("seed: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	v, err := vm.Start(ctx, vm.Config{Dir: dir, Firmware: firmware, NICs: []vm.NIC{{}},
		Disks: []vm.Disk{{File: image, Format: "qcow2"}, {File: seed, Format: "raw"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Kill)
	started := time.Now()
	if err := serving(ctx, v.API); err != nil {
		t.Fatalf("%v; the console says:\n%s", err, v.Console())
	}
	t.Logf("answers after %s", time.Since(started).Round(time.Second))
	pipeline(ctx, t, v.API)
	if _, err := v.WaitConsole(ctx, regexp.MustCompile(`bess-test login:`)); err != nil {
		t.Errorf("the name is not that of the seed: %v; the console says:\n%s", err, v.Console())
	}
}

// serving waits until the health service says so.
func serving(ctx context.Context, address string) error {
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for {
		try, cancel := context.WithTimeout(ctx, 10*time.Second)
		answer, err := healthpb.NewHealthClient(c).Check(try, &healthpb.HealthCheckRequest{})
		cancel()
		if answer.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("bessd does not answer: %w", err)
		case <-time.After(time.Second):
		}
	}
}

// pipeline checks that the seed's is there.
func pipeline(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	c, err := client.Dial(address, client.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	modules, err := c.Modules(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		if m.GetName() == "from_seed" {
			return
		}
	}
	t.Errorf("no module of the seed's pipeline in %v", modules)
}
