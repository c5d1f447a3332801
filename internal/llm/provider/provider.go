// Package provider makes providers from their entries in the configuration.
package provider

import (
	"fmt"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/anthropic"
	"github.com/midwatch/midwatch/internal/llm/bedrock"
	"github.com/midwatch/midwatch/internal/llm/openai"
)

// New makes the provider an entry describes. It reads its key and connects to nobody.
func New(cfg llm.ProviderConfig) (llm.Provider, error) {
	switch cfg.Kind {
	case llm.KindAnthropic:
		return anthropic.New(cfg, nil)
	case llm.KindBedrock:
		return bedrock.New(cfg, nil)
	case llm.KindOpenAI:
		return openai.New(cfg, nil)
	default:
		return nil, fmt.Errorf("ai: provider %s: kind is %q; it is one of anthropic, bedrock, openai", cfg.Name, cfg.Kind)
	}
}

// All makes every provider of a configuration, by name.
func All(entries []llm.ProviderConfig) (map[string]llm.Provider, error) {
	all := make(map[string]llm.Provider, len(entries))
	for _, cfg := range entries {
		if all[cfg.Name] != nil {
			return nil, fmt.Errorf("ai: two providers are named %s", cfg.Name)
		}
		p, err := New(cfg)
		if err != nil {
			return nil, err
		}
		all[cfg.Name] = p
	}
	return all, nil
}
