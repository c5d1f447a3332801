package llm_test

import (
	"math"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
)

func TestProvidersThatMakeNoSense(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*llm.ProviderConfig)
		want   string // "": accepted
	}{
		"all left out":           {func(*llm.ProviderConfig) {}, ""},
		"least context":          {func(c *llm.ProviderConfig) { c.Context, c.MaxTokens = 1000+llm.MinPrompt, 1000 }, ""},
		"context too small":      {func(c *llm.ProviderConfig) { c.Context, c.MaxTokens = 999+llm.MinPrompt, 1000 }, "context 24999 with max_tokens 1000"},
		"too small with default": {func(c *llm.ProviderConfig) { c.Context = llm.MinPrompt }, "context 24000 with max_tokens 4096"},
		"answers below zero":     {func(c *llm.ProviderConfig) { c.MaxTokens = -1 }, "max_tokens -1"},
		"price below zero":       {func(c *llm.ProviderConfig) { c.Price.CacheRead = -0.1 }, "price holds -0.1"},
		"price no number":        {func(c *llm.ProviderConfig) { c.Price.Output = math.NaN() }, "price holds NaN"},
		"price without end":      {func(c *llm.ProviderConfig) { c.Price.Input = math.Inf(1) }, "price holds +Inf"},
	} {
		p := llm.ProviderConfig{
			Name: "p", Kind: llm.KindBedrock, Account: "a", Model: "m", Region: "eu-central-1", Terms: "t", Price: llm.Price{Input: 3, Output: 15},
		}
		c.change(&p)
		if err := p.Validate(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
