package shop_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/deploy/shop"
	"github.com/midwatch/midwatch/deploy/shop/fault"
	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/investigation"
)

// TestActions: what shop prints is what Midwatch reads, and has an action for each known fault.
func TestActions(t *testing.T) {
	dir := home.Dir(t.TempDir())
	var out bytes.Buffer
	if err := shop.Actions(&out, dir, plan.Default(), "/opt/shop"); err != nil {
		t.Fatal(err)
	}
	var section struct {
		Actions []investigation.Action `yaml:"actions"`
	}
	dec := yaml.NewDecoder(&out)
	dec.KnownFields(true)
	if err := dec.Decode(&section); err != nil {
		t.Fatal(err)
	}
	kinds := map[investigation.ActionKind]investigation.Action{}
	for _, a := range section.Actions {
		kinds[a.Kind] = a
		if a.Kind != investigation.StopProcess && (len(a.Command) > 0) == (a.SQL != "") {
			t.Errorf("%s: want a command or SQL: %+v", a.Name, a)
		}
		for _, p := range a.Parameters {
			if text := strings.Join(a.Command, " ") + a.SQL; a.Kind != investigation.StopProcess && !strings.Contains(text, "{"+p.Name+"}") {
				t.Errorf("%s: parameter %s is not used", a.Name, p.Name)
			}
		}
	}
	known, err := judge.Faults(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range known {
		if _, ok := kinds[investigation.ActionKind(f.Action)]; f.Kind == judge.Known && !ok {
			t.Errorf("no action of kind %q for %s", f.Action, f.Name)
		}
	}
	restart := kinds[investigation.RestartAction]
	if want := []string{"/opt/shop", "ctl", "restart", "--dir", string(dir), "{service}"}; !slices.Equal(restart.Command, want) {
		t.Errorf("restart runs %q, want %q", restart.Command, want)
	}
}

// TestShopStandsAlone: no program of the shop contains a package of Midwatch, and Midwatch's source does not contain
// the name of a fault.
func TestShopStandsAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/midwatch/midwatch/"
	for _, pkg := range strings.Fields(string(out)) {
		if strings.HasPrefix(pkg, module) && !strings.HasPrefix(pkg, module+"deploy/shop") {
			t.Errorf("the shop depends on %s", pkg)
		}
	}
	names := regexp.MustCompile(`\b(` + strings.Join(fault.Names(), "|") + `)\b`)
	root := filepath.Join("..", "..")
	for _, dir := range []string{"activities", "api", "bpf", "collector", "ingest", "internal", "sandbox", "workers", "workflows"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains([]string{".go", ".c", ".sql", ".star"}, filepath.Ext(path)) {
				return err
			}
			b, err := os.ReadFile(path)
			if found := names.Find(b); found != nil {
				t.Errorf("%s knows the fault %s", path, found)
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
}
