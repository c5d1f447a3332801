package api

import (
	"context"
	"net/url"
	"slices"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
)

// includes says what each kind of data holds.
var includes = map[investigation.DataType]string{
	investigation.Traces:        "Requests between services: routes, statements without their values, status, latency, who calls whom.",
	investigation.Metrics:       "Numbers over time: rates, errors, latencies, CPU, memory, network; and the numbers in alerts.",
	investigation.Logs:          "Lines that programs wrote, and how their patterns changed.",
	investigation.Profiling:     "Where programs spend their CPU time: names of functions and files.",
	investigation.Configuration: "Settings, versions, command lines and configuration files, and what changed in them.",
	investigation.Cluster:       "Processes, machines and Kubernetes objects with their events: starts, exits, kills, deployments.",
	investigation.Code:          "Files, changes and authors of the repositories of your services.",
}

// shownAI is a policy and what follows from it.
func (s *Server) shownAI(_ context.Context, p llm.Policy) wire.AI {
	ai := wire.AI{
		Environment: s.cfg.Environment, Enabled: p.Enabled, Providers: []wire.ListedProvider{}, DataTypes: []investigation.DataType{},
		Kinds: s.dataKinds(), UpdatedBy: p.UpdatedBy, UpdatedAt: p.UpdatedAt,
	}
	ai.DataTypes = append(ai.DataTypes, p.DataTypes...)
	switch _, err := s.asked(p); {
	case len(s.cfg.Providers) == 0:
		ai.Inactive = "no model provider is configured"
	case !p.Enabled:
		ai.Inactive = "it is switched off"
	case err != nil:
		ai.Inactive = err.Error()
	default:
		ai.Active = true
	}
	if p.Enabled = true; len(p.Providers) > 0 { // as if it were on
		asked, _ := s.asked(p)
		for _, name := range p.Providers {
			ai.Providers = append(ai.Providers, s.listed(p, name, slices.Contains(asked, name)))
		}
	}
	return ai
}

// listed says how it stands with a listed provider.
func (s *Server) listed(p llm.Policy, name string, asked bool) wire.ListedProvider {
	l := wire.ListedProvider{Name: name, Asked: asked}
	configured, ok := s.provider(name)
	for _, c := range p.Confirmed {
		if ok && c.Provider == name && c.Terms == configured.Terms {
			l.ConfirmedBy, l.ConfirmedAt = c.By, c.At
		}
	}
	switch {
	case asked:
	case !ok && name == p.Providers[0]:
		l.Why = "it is not configured any more; as it is the first of the list, nobody is asked"
	case !ok:
		l.Why = "it is not configured any more"
	case s.unusable(configured) != "":
		l.Why = s.unusable(configured)
	case l.ConfirmedBy == "":
		l.Why = "its data-use terms are not confirmed as they are now"
	default:
		l.Why = "the list begins with another's account, or with one that is not configured any more, and never falls back to this one"
	}
	return l
}

// dataKinds is every kind of data, with the tools that reveal it.
func (s *Server) dataKinds() []wire.DataKind {
	kinds := make([]wire.DataKind, 0, len(includes))
	for _, t := range investigation.DataTypes() {
		kind := wire.DataKind{Name: t, Includes: includes[t], Tools: []string{}}
		for _, name := range s.cfg.Tools.Names() {
			if tool, err := s.cfg.Tools.Get(name); err == nil && slices.Contains(tool.DataTypes, t) {
				kind.Tools = append(kind.Tools, name)
			}
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

func (s *Server) listProviders(context.Context, auth.Caller, *struct{}) (wire.ProviderList, error) {
	list := wire.ProviderList{Providers: []wire.Provider{}}
	for _, p := range s.cfg.Providers {
		p = p.OrDefault()
		list.Providers = append(list.Providers, wire.Provider{
			Name: p.Name, Kind: p.Kind, Account: p.Account, Environment: p.Environment, Model: p.Model, Address: address(p),
			Terms: p.Terms, Context: p.Context, MaxTokens: p.MaxTokens, Price: wire.Price(p.Price), Unusable: s.unusable(p),
		})
	}
	return list, nil
}

// provider finds a configured provider.
func (s *Server) provider(name string) (llm.ProviderConfig, bool) {
	i := slices.IndexFunc(s.cfg.Providers, func(p llm.ProviderConfig) bool { return p.Name == name })
	if i < 0 {
		return llm.ProviderConfig{}, false
	}
	return s.cfg.Providers[i], true
}

// usableProviders are those that this environment may list.
func (s *Server) usableProviders() []llm.ProviderConfig {
	return slices.DeleteFunc(slices.Clone(s.cfg.Providers), func(p llm.ProviderConfig) bool { return s.unusable(p) != "" })
}

// unusable says why a provider cannot be used here; "": it can.
func (s *Server) unusable(p llm.ProviderConfig) string {
	if err := p.Validate(); err != nil {
		return err.Error()
	}
	if p.Environment != "" && p.Environment != s.cfg.Environment {
		return "it is the account of environment " + p.Environment
	}
	return ""
}

// address is the host that a provider is reached at, without anything that could be a credential.
func address(p llm.ProviderConfig) string {
	if p.BaseURL != "" {
		u, err := url.Parse(p.BaseURL)
		if err != nil {
			return ""
		}
		return u.Host
	}
	switch p.Kind {
	case llm.KindAnthropic:
		return "api.anthropic.com"
	case llm.KindOpenAI:
		return "api.openai.com"
	case llm.KindBedrock:
		return "bedrock-runtime." + p.Region + ".amazonaws.com"
	}
	return ""
}
