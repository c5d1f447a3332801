// Package clustertest gives tests a real Kubernetes cluster, and images to run in it.
package clustertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/testcluster"
)

// Enabled is the environment variable that lets tests start clusters: `make test-cluster` sets it.
const Enabled = "MIDWATCH_CLUSTER"

// Start runs a cluster with these images until the test ends, 15 s after the call on two idle cores. The logs of a failed test's cluster stay.
func Start(tb testing.TB, images ...string) *testcluster.Cluster {
	tb.Helper()
	c := New(tb, images...)
	if err := c.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return c
}

// New is Start without starting it.
func New(tb testing.TB, images ...string) *testcluster.Cluster {
	tb.Helper()
	Require(tb)
	dir, err := os.MkdirTemp("", "testcluster-")
	if err != nil {
		tb.Fatal(err)
	}
	c, err := testcluster.New(testcluster.Config{Dir: dir, Programs: Programs(), Images: images})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Errorf("stop the cluster: %v", err)
		}
		if tb.Failed() {
			tb.Logf("the cluster's logs are in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// Require skips the test where no clusters are wanted.
func Require(tb testing.TB) {
	tb.Helper()
	if os.Getenv(Enabled) == "" {
		tb.Skip("real clusters run in make test-cluster, which sets " + Enabled)
	}
}

// root is the repository.
func root() string {
	_, file, _, _ := runtime.Caller(0) //nolint:dogsled // only the file
	return filepath.Join(filepath.Dir(file), "../../..")
}

// Programs is where `make kube` puts what clusters are made of.
func Programs() string { return filepath.Join(root(), ".cache", "kube") }

// Workload is an image of the program in ./workload, which serves, looks up, fails, hogs and spins: localhost/workload:1.
func Workload(tb testing.TB) (archive string) {
	tb.Helper()
	return Image(tb, "localhost/workload:1", "github.com/midwatch/midwatch/deploy/testcluster/clustertest/workload")
}

// Image builds a command and wraps it into an image whose entrypoint it is, under the command's name in the root.
func Image(tb testing.TB, name, command string) (archive string) {
	tb.Helper()
	program := Build(tb, command)
	file := "/" + filepath.Base(program)
	return Write(tb, testcluster.Image{Name: name, Entrypoint: []string{file}, Files: map[string]string{file: program}})
}

// Write writes an image to an archive that goes with the test.
func Write(tb testing.TB, image testcluster.Image) (archive string) {
	tb.Helper()
	archive = filepath.Join(tb.TempDir(), "image.tar")
	if err := image.Write(archive); err != nil {
		tb.Fatal(err)
	}
	return archive
}

// Build builds a command of this repository as a static program, which goes with the test. It skips the test where no clusters are wanted.
func Build(tb testing.TB, command string) (program string) {
	tb.Helper()
	Require(tb)
	program = filepath.Join(tb.TempDir(), filepath.Base(command))
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-ldflags", "-s -w", "-o", program, command)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build %s: %v\n%s", command, err, out)
	}
	return program
}

// patience is how long a busy machine may take for anything a cluster does.
const patience = 5 * time.Minute

// Eventually asks until the answer is nil and fails the test with the last one after five minutes.
func Eventually(tb testing.TB, what string, ask func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatalf("wait for %s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
