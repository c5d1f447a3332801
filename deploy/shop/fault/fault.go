// Package fault breaks the shop, and mends it. It tells nobody what it did: it goes the ways an operator, a deployment
// or a bug would go, and shares nothing with whoever watches the shop.
package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/deploy/shop/control"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// ErrUnknown means there is no fault of that name.
var ErrUnknown = errors.New("no such fault")

// fault is one way to break the shop.
type fault struct {
	name   string
	inject func(in injector, ctx context.Context) error //nolint:revive // a method expression
}

// injector is what a fault works with.
type injector struct {
	*control.Shop
	program string // unstamped, for deployments
}

// faults is every fault there is; faults.yaml says what each should be recognized as.
func faults() []fault {
	return []fault{
		{"index-dropped", injector.dropIndex},
		{"redis-refuses-writes", injector.fillRedis},
		{"bad-release", func(in injector, ctx context.Context) error { return in.deploy(ctx, plan.Payment, 5) }},
		{"noisy-neighbour", func(in injector, ctx context.Context) error { return in.StartBatch(ctx) }},
		{"memory-leak", func(in injector, _ context.Context) error { return in.flip(plan.Checkout, leaking) }},
		{"pool-exhausted", func(in injector, _ context.Context) error { return in.flip(plan.Cart, keepingConnections) }},
		{"wrong-port", injector.misconfigure},
		{"slow-charge", func(in injector, _ context.Context) error { return in.flip(plan.Payment, pausing) }},
		{"locked-stock", injector.revokeStock},
		{"quiet-release", func(in injector, ctx context.Context) error { return in.deploy(ctx, plan.Gateway, 0) }},
		{"chatty-log", func(in injector, _ context.Context) error { return in.flip(plan.Catalog, remarking) }},
	}
}

// Names lists the faults.
func Names() []string {
	var out []string
	for _, f := range faults() {
		out = append(out, f.name)
	}
	return out
}

// Inject breaks the shop in the named way. program is what executables are copied from. It wraps ErrUnknown.
func Inject(ctx context.Context, shop *control.Shop, program, name string) error {
	all := faults()
	i := slices.IndexFunc(all, func(f fault) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, strings.Join(Names(), ", "))
	}
	if err := all[i].inject(injector{shop, program}, ctx); err != nil {
		return fmt.Errorf("inject %s: %w", name, err)
	}
	return nil
}
