package fault

import (
	"context"
	"errors"
	"fmt"

	"github.com/midwatch/midwatch/deploy/shop/control"
)

// Clear undoes whatever is broken, wherever it was broken from, and leaves alone what is as it should be. It may be
// called at any time, also after somebody else has mended the shop.
func Clear(ctx context.Context, shop *control.Shop) error {
	in := injector{Shop: shop}
	err := errors.Join(
		in.StopBatch(ctx),
		in.mendIndex(ctx),
		in.grantStock(ctx),
		in.RaiseLimit(ctx, in.Plan.Redis.Name),
		in.unflip(ctx),
		in.undeploy(ctx),
		in.reconfigure(ctx),
	)
	if err != nil {
		return fmt.Errorf("mend the shop: %w", err)
	}
	return nil
}
