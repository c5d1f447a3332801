package metadata_test

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/rules"
)

func testRuleStates(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	equal(t, rules.States{}, get(db.RuleStates(ctx, "shop"))(t))
	first := rules.States{At: at, Rules: []rules.State{{Name: "shop/deep", Series: 2, Raised: 1}}}
	must(t, db.StoreRuleStates(ctx, "shop", first))
	equal(t, first, get(open().RuleStates(ctx, "shop"))(t))
	equal(t, rules.States{}, get(db.RuleStates(ctx, "other"))(t))

	newer := rules.States{At: at.Add(time.Second), Error: "there are too many"}
	must(t, open().StoreRuleStates(ctx, "shop", newer))
	must(t, db.StoreRuleStates(ctx, "shop", first)) // of a worker that was slow
	equal(t, newer, get(db.RuleStates(ctx, "shop"))(t))
}
