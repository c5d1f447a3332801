package llm

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"time"
)

// Kinds of provider.
const (
	KindAnthropic = "anthropic"
	KindBedrock   = "bedrock"
	KindOpenAI    = "openai" // and whatever speaks its API
)

// MinPrompt is the least that a provider's context must leave beside its answer, in tokens: up to two thirds go to instructions and
// the tools' descriptions (a test in cmd/midwatch holds them to that), the rest to what the tools answer.
const MinPrompt = 24_000

// ProviderConfig is one provider of the configuration: an account at a vendor, and the model to ask there. Nothing of it
// switches anything on: that is an admin's decision, per environment. Keys are never in the file itself.
type ProviderConfig struct {
	Name        string        `yaml:"name"`
	Kind        string        `yaml:"kind"`        // anthropic, bedrock, openai
	Environment string        `yaml:"environment"` // whose own account this is; "": the installation's
	Account     string        `yaml:"account"`     // what reports and ledger call it
	Model       string        `yaml:"model"`       // model id, or inference profile at Bedrock
	Terms       string        `yaml:"terms"`       // the vendor's data-use terms for this account, which an admin must confirm
	BaseURL     string        `yaml:"base_url"`    // "": the vendor's own
	KeyFile     string        `yaml:"key_file"`    // file with the API key; bedrock: an AWS credentials file
	Region      string        `yaml:"region"`      // bedrock
	Profile     string        `yaml:"profile"`     // bedrock: of key_file, else of the shared AWS configuration; "": the default chain
	RoleARN     string        `yaml:"role_arn"`    // bedrock: role to assume
	ExternalID  string        `yaml:"external_id"` // bedrock: for that role
	Context     int           `yaml:"context"`     // tokens that fit, at least MinPrompt more than MaxTokens; 0: 200000
	MaxTokens   int           `yaml:"max_tokens"`  // of one answer; 0: 4096
	Timeout     time.Duration `yaml:"timeout"`     // of one call; 0: 2 min
	Price       Price         `yaml:"price"`
}

// Price is what tokens cost, in US dollars per million.
type Price struct {
	Input      float64 `yaml:"input"`
	Output     float64 `yaml:"output"`
	CacheRead  float64 `yaml:"cache_read"`  // 0: as Input
	CacheWrite float64 `yaml:"cache_write"` // 0: as Input
}

// OrDefault fills what is not set. A cache that somebody forgot to price must not look free to a budget.
func (p Price) OrDefault() Price {
	if p.CacheRead == 0 {
		p.CacheRead = p.Input
	}
	if p.CacheWrite == 0 {
		p.CacheWrite = p.Input
	}
	return p
}

// Worst is the most that a usage costs whose input may be written to the provider's cache, or read from it.
func (p Price) Worst(u Usage) int64 {
	p = p.OrDefault()
	p.Input = max(p.Input, p.CacheRead, p.CacheWrite)
	return p.Cost(u)
}

// Cost is what a usage costs, in millionths of a US dollar, rounded up.
func (p Price) Cost(u Usage) int64 {
	p = p.OrDefault()
	sum := p.Input*float64(u.Input) + p.Output*float64(u.Output) + p.CacheRead*float64(u.CacheRead) + p.CacheWrite*float64(u.CacheWrite)
	if cost := int64(sum); float64(cost) == sum {
		return cost
	}
	return int64(sum) + 1
}

// OrDefault fills what is not set.
func (c ProviderConfig) OrDefault() ProviderConfig {
	if c.Context == 0 {
		c.Context = 200_000
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = 4096
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	c.Price = c.Price.OrDefault()
	return c
}

// Validate says what is wrong with an entry and what to do.
func (c ProviderConfig) Validate() error {
	if c.Name == "" {
		return errors.New("ai: a provider needs a name")
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("ai: provider %s: "+format, append([]any{c.Name}, args...)...)
	}
	switch c.Kind {
	case KindAnthropic, KindOpenAI:
		if c.KeyFile == "" {
			return wrong("set key_file to a file that holds its API key")
		}
	case KindBedrock:
		if c.Region == "" {
			return wrong("set region")
		}
	default:
		return wrong("kind is %q; it is one of anthropic, bedrock, openai", c.Kind)
	}
	if c.Model == "" || c.Account == "" || c.Terms == "" {
		return wrong("set model, account (what the ledger calls it) and terms (the data-use terms an admin confirms)")
	}
	if c.Price == (Price{}) {
		return wrong("set price: the budget is checked against it before each call")
	}
	for _, dollars := range []float64{c.Price.Input, c.Price.Output, c.Price.CacheRead, c.Price.CacheWrite} {
		if !(dollars >= 0) || math.IsInf(dollars, 0) {
			return wrong("price holds %v; a price is dollars per million tokens, not below 0", dollars)
		}
	}
	if filled := c.OrDefault(); filled.MaxTokens < 0 || filled.Context-filled.MaxTokens < MinPrompt {
		return wrong("context %d with max_tokens %d leaves too little for a prompt: its instructions and tools need context to be at least %d more than max_tokens",
			filled.Context, filled.MaxTokens, MinPrompt)
	}
	return secure(c.BaseURL, wrong)
}

// secure refuses what would send data in clear: plain http goes to loopback addresses only, which tests need.
func secure(base string, wrong func(string, ...any) error) error {
	if base == "" {
		return nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil {
		return wrong("base_url is not an address without credentials")
	}
	if u.Scheme == "https" {
		return nil
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && err == nil && ip.IsLoopback() {
		return nil
	}
	return wrong("base_url must be https")
}
