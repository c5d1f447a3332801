package release_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/release"
)

// TestStamp: a stamped copy still runs, says what it is, and differs from every other version.
func TestStamp(t *testing.T) {
	dir := t.TempDir()
	var copies [][]byte
	for _, stamp := range []release.Stamp{
		{Role: plan.Payment, Name: "payment", Version: "1.0.0"},
		{Role: plan.Payment, Name: "payment", Version: "1.0.1"},
		{Role: plan.Payment, Name: "payment", Version: "1.0.1", FailEvery: 5},
	} {
		target := filepath.Join(dir, "payment")
		if err := release.Write("/bin/true", target, stamp); err != nil {
			t.Fatal(err)
		}
		if got, err := release.Read(target); err != nil || got != stamp {
			t.Errorf("read %+v, %v, want %+v", got, err, stamp)
		}
		if out, err := exec.Command(target).CombinedOutput(); err != nil {
			t.Errorf("run %s: %v %s", target, err, out)
		}
		b, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range copies {
			if bytes.Equal(b, other) {
				t.Error("two versions are the same file")
			}
		}
		copies = append(copies, b)
	}
}

func TestReadUnstamped(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "short": "x", "length past the file": "\x00\x00\x00\x00\x00\x00\x0f\xffshop release 01\n",
		"huge length": "\xff\xff\xff\xff\xff\xff\xff\xffshop release 01\n", "plain": string(make([]byte, 4096)),
	} {
		file := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := release.Read(file); !errors.Is(err, release.ErrUnstamped) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestRollback: each roll back exchanges the two newest versions; the first version has nothing before it.
func TestRollback(t *testing.T) {
	dir := home.Dir(t.TempDir())
	deploy := func(version string) {
		t.Helper()
		if err := release.Deploy(dir, "/bin/true", release.Stamp{Role: plan.Cart, Name: "cart", Version: version}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(version string) {
		t.Helper()
		stamp, err := release.Read(dir.Executable("cart"))
		current, err2 := release.Current(dir, "cart")
		if err != nil || err2 != nil || stamp.Version != version || current != version {
			t.Errorf("current is %q, its stamp %q, want %q: %v, %v", current, stamp.Version, version, err, err2)
		}
	}
	deploy("1.0.0")
	if _, err := release.Rollback(dir, "cart"); !errors.Is(err, release.ErrNoPrevious) {
		t.Errorf("roll back the first version: %v", err)
	}
	deploy("1.1.0")
	deploy("1.1.0") // again, as a repeated command would
	want("1.1.0")
	for _, version := range []string{"1.0.0", "1.1.0"} {
		if got, err := release.Rollback(dir, "cart"); err != nil || got != version {
			t.Errorf("roll back: %q, %v, want %q", got, err, version)
		}
		want(version)
	}
}
