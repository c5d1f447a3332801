package plan_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/midwatch/midwatch/deploy/shop/plan"
)

func TestDefaultIsValid(t *testing.T) {
	if err := plan.Default().Validate(); err != nil {
		t.Error(err)
	}
}

// TestRandom: every seed gives a valid plan that shares no name with the plain one, and survives its file.
func TestRandom(t *testing.T) {
	plain := map[string]bool{}
	for key, name := range plan.Default().Names() {
		plain[name] = key != "postgres"
	}
	seen := map[string]bool{}
	for seed := uint64(1); seed <= 60; seed++ {
		p, err := plan.Random(seed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for key, name := range p.Names() {
			if plain[name] {
				t.Errorf("seed %d: %s keeps its plain name %s", seed, key, name)
			}
		}
		seen[p.Programs[plan.Gateway].Name] = true
		file := filepath.Join(t.TempDir(), "plan.yaml")
		if err := p.Save(file); err != nil {
			t.Fatal(err)
		}
		if back, err := plan.Read(file); err != nil || !reflect.DeepEqual(back, p) {
			t.Errorf("seed %d: read back %+v, %v, want %+v", seed, back, err, p)
		}
	}
	if len(seen) < 20 {
		t.Errorf("60 seeds gave the gateway only %d names", len(seen))
	}
	a, err1 := plan.Random(5)
	b, err2 := plan.Random(5)
	if err1 != nil || err2 != nil || !reflect.DeepEqual(a.Names(), b.Names()) {
		t.Errorf("seed 5 gave %v and %v", a.Names(), b.Names())
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Plan){
		"name twice":     func(p *plan.Plan) { p.Redis.Name = "cart" },
		"name with path": func(p *plan.Plan) { p.Redis.Name = "../redis" },
		"port twice":     func(p *plan.Plan) { p.Redis.Port = p.Postgres.Port },
		"no port":        func(p *plan.Plan) { p.Programs[plan.Cart] = plan.Program{Name: "cart"} },
		"no rate":        func(p *plan.Plan) { p.Rate = 0 },
		"quoted table":   func(p *plan.Plan) { p.Postgres.Products = `a"b` },
		"no program":     func(p *plan.Plan) { delete(p.Programs, plan.Batch) },
	} {
		p := plan.Default()
		spoil(&p)
		if err := p.Validate(); !errors.Is(err, plan.ErrPlan) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
