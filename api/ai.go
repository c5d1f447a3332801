package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/metadata"
)

// EnvironmentInput names an environment; exported, or huma would not see its field where it is embedded.
type EnvironmentInput struct {
	Environment string `path:"environment" maxLength:"200"`
}

func (s *Server) getAI(ctx context.Context, _ auth.Caller, in *EnvironmentInput) (wire.AI, error) {
	if in.Environment != s.cfg.Environment {
		return wire.AI{}, metadata.ErrNotFound
	}
	p, err := s.cfg.Metadata.AIPolicy(ctx, in.Environment)
	if err != nil {
		return wire.AI{}, err
	}
	return s.shownAI(ctx, p), nil
}

type putAIInput struct {
	EnvironmentInput
	Body wire.PutAI
}

func (in *putAIInput) audit() string {
	b := in.Body
	enabled := "as it is"
	if b.Enabled != nil {
		enabled = strconv.FormatBool(*b.Enabled)
	}
	return fmt.Sprintf("enabled=%s providers=%q data_types=%q", enabled, b.Providers, b.DataTypes)
}

// putAI changes what an admin decided. Switching off works whatever else is wrong: with a policy that cannot be read, too.
func (s *Server) putAI(ctx context.Context, who auth.Caller, in *putAIInput) (wire.AI, error) {
	if in.Environment != s.cfg.Environment {
		return wire.AI{}, metadata.ErrNotFound
	}
	s.deciding.Lock() // what is left out of a change must not undo another
	defer s.deciding.Unlock()
	before, err := s.cfg.Metadata.AIPolicy(ctx, in.Environment)
	if off := in.Body.Enabled != nil && !*in.Body.Enabled; err != nil && !off {
		return wire.AI{}, err
	}
	after, err := s.decided(before, in.Body, who.Subject, time.Now().UTC())
	if err != nil {
		return wire.AI{}, err
	}
	if err := s.auditAI(ctx, who.Subject, before, after); err != nil {
		return wire.AI{}, err
	}
	if err := s.cfg.Metadata.PutAIPolicy(ctx, after); err != nil {
		return wire.AI{}, err
	}
	return s.shownAI(ctx, after), nil
}

// decided is the policy that a change makes of the one before, or a refusal.
func (s *Server) decided(before llm.Policy, change wire.PutAI, by string, at time.Time) (llm.Policy, error) {
	after := llm.Policy{
		Environment: s.cfg.Environment, Enabled: before.Enabled, Providers: before.Providers, DataTypes: before.DataTypes,
		UpdatedBy: by, UpdatedAt: at,
	}
	if change.Enabled != nil {
		after.Enabled = *change.Enabled
	}
	if change.Providers != nil {
		after.Providers = change.Providers
	}
	if change.DataTypes != nil {
		after.DataTypes = []investigation.DataType{}
		for _, name := range change.DataTypes {
			after.DataTypes = append(after.DataTypes, investigation.DataType(name))
		}
	}
	if change.Providers != nil || after.Enabled {
		if err := s.checkListed(after.Providers); err != nil {
			return after, err
		}
	}
	for i, t := range after.DataTypes {
		if !slices.Contains(investigation.DataTypes(), t) || slices.Contains(after.DataTypes[:i], t) {
			return after, refuse(errInvalid, fmt.Sprintf("data type %q is unknown or listed twice; there are %s", t, words(investigation.DataTypes())))
		}
	}
	var err error
	if after.Confirmed, err = s.confirmed(before, after.Providers, change.Confirm, by, at); err != nil || !after.Enabled {
		return after, err
	}
	if _, err := s.asked(after); err != nil {
		return after, refuse(errConflict, "AI cannot be switched on: "+err.Error())
	}
	return after, nil
}

// checkListed refuses providers that this environment may not use.
func (s *Server) checkListed(names []string) error {
	for i, name := range names {
		p, ok := s.provider(name)
		switch {
		case !ok:
			return refuse(errInvalid, fmt.Sprintf("provider %q is not configured", name))
		case slices.Contains(names[:i], name):
			return refuse(errInvalid, fmt.Sprintf("provider %q is listed twice", name))
		}
		if why := s.unusable(p); why != "" {
			return refuse(errInvalid, fmt.Sprintf("provider %q cannot be listed: %s", name, why))
		}
	}
	return nil
}

// confirmed is what counts as confirmed: what was before and still fits, and what is confirmed now, of listed providers.
func (s *Server) confirmed(before llm.Policy, listed []string, now []wire.Confirm, by string, at time.Time) ([]llm.Confirmation, error) {
	kept := []llm.Confirmation{}
	for _, c := range before.Confirmed {
		if p, ok := s.provider(c.Provider); ok && p.Terms == c.Terms && slices.Contains(listed, c.Provider) {
			kept = append(kept, c)
		}
	}
	for _, c := range now {
		p, ok := s.provider(c.Provider)
		switch {
		case !ok || !slices.Contains(listed, c.Provider):
			return nil, refuse(errInvalid, fmt.Sprintf("provider %q is confirmed, but not listed", c.Provider))
		case p.Terms != c.Terms:
			return nil, refuse(errConflict, fmt.Sprintf("the terms of provider %q are not the ones that were confirmed: read them again", c.Provider))
		}
		if !slices.ContainsFunc(kept, func(k llm.Confirmation) bool { return k.Provider == c.Provider }) {
			kept = append(kept, llm.Confirmation{Provider: c.Provider, Terms: c.Terms, By: by, At: at})
		}
	}
	return kept, nil
}

// auditAI records a change with what was before, and each confirmation with the exact words that were confirmed.
func (s *Server) auditAI(ctx context.Context, who string, before, after llm.Policy) error {
	on := object(request(ctx))
	if err := s.audit(ctx, who, "ai.change", on, "allowed", "before: "+inWords(before)+"; after: "+inWords(after)); err != nil {
		return err
	}
	for _, c := range after.Confirmed {
		if slices.Contains(before.Confirmed, c) {
			continue
		}
		if err := s.audit(ctx, who, "ai.confirm", on, "allowed", fmt.Sprintf("provider=%q terms=%q", c.Provider, c.Terms)); err != nil {
			return err
		}
	}
	return nil
}

func inWords(p llm.Policy) string {
	state, confirmed := "off", []string{}
	if p.Enabled {
		state = "on"
	}
	for _, c := range p.Confirmed {
		confirmed = append(confirmed, c.Provider)
	}
	return fmt.Sprintf("%s, providers %s, data types %s, confirmed %s", state, words(p.Providers), words(p.DataTypes), words(confirmed))
}

// words joins names, "none" when there are none.
func words[T ~string](names []T) string {
	if len(names) == 0 {
		return "none"
	}
	text := make([]string, len(names))
	for i, n := range names {
		text[i] = string(n)
	}
	return strings.Join(text, ", ")
}

// onePolicy is a policy as if it were stored.
type onePolicy llm.Policy

func (p onePolicy) AIPolicy(context.Context, string) (llm.Policy, error) { return llm.Policy(p), nil }

// asked returns the names of those who would be asked under a policy now, or why nobody would.
func (s *Server) asked(p llm.Policy) ([]string, error) {
	selector := gate.Selector{Policies: onePolicy(p), Accounts: s.usableProviders()}
	accounts, _, err := selector.Allowed(context.Background(), s.cfg.Environment, "")
	var e *llm.Error
	if errors.As(err, &e) {
		return nil, e.Err
	}
	names := []string{}
	for _, a := range accounts {
		names = append(names, a.Name)
	}
	return names, err
}

// aiState tells whether a model decides new investigations, and why not. A policy that cannot be read means off.
func (s *Server) aiState(ctx context.Context) (active bool, why string) {
	p, err := s.cfg.Metadata.AIPolicy(ctx, s.cfg.Environment)
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "read AI policy", "error", err)
		return false, "its policy cannot be read"
	}
	ai := s.shownAI(ctx, p)
	return ai.Active, ai.Inactive
}
