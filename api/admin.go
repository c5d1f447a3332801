package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
)

func (s *Server) whoami(_ context.Context, who auth.Caller, _ *struct{}) (wire.Whoami, error) {
	me := wire.Whoami{
		Subject: who.Subject, Role: string(who.Role), Namespaces: who.Namespaces, Environment: s.cfg.Environment, Version: s.cfg.Version,
	}
	if s.cfg.TemporalUI != nil {
		me.TemporalUI = temporalPath
	}
	return me, nil
}

func (s *Server) listTokens(ctx context.Context, _ auth.Caller, _ *struct{}) (wire.TokenList, error) {
	list, err := s.cfg.Metadata.ListTokens(ctx)
	return wire.TokenList{Tokens: list}, err
}

type newTokenInput struct {
	Body wire.NewToken
}

func (in *newTokenInput) audit() string {
	return fmt.Sprintf("subject=%q role=%s namespaces=%q", in.Body.Subject, in.Body.Role, in.Body.Namespaces)
}

func (s *Server) createToken(ctx context.Context, _ auth.Caller, in *newTokenInput) (wire.CreatedToken, error) {
	b := in.Body
	if !b.ExpiresAt.IsZero() && b.ExpiresAt.Before(time.Now()) {
		return wire.CreatedToken{}, refuse(errInvalid, "expires_at is in the past")
	}
	if len(b.Namespaces) > 0 { // nothing asks for them yet, and a limit that does not hold is worse than none
		return wire.CreatedToken{}, refuse(errInvalid, "tokens for single namespaces are not supported yet")
	}
	text, kept, err := auth.Create(ctx, s.cfg.Metadata, auth.Grant{
		Subject: b.Subject, Role: auth.Role(b.Role), Namespaces: b.Namespaces, ExpiresAt: b.ExpiresAt,
		Environment: b.Environment, Limits: b.Limits,
	})
	return wire.CreatedToken{Token: kept, Text: text}, err
}

func (s *Server) revokeToken(ctx context.Context, _ auth.Caller, in *IDInput) (struct{}, error) {
	return struct{}{}, s.cfg.Metadata.RevokeToken(ctx, in.ID)
}

func (s *Server) getSettings(ctx context.Context, _ auth.Caller, _ *struct{}) (wire.Settings, error) {
	kept, err := s.cfg.Metadata.Settings(ctx)
	return s.shown(ctx, kept), err
}

type putSettingsInput struct {
	Body wire.PutSettings
}

func (in *putSettingsInput) audit() string {
	return fmt.Sprintf("retention_days=%d ledger_days=%d investigation_days=%d (0: unchanged)", in.Body.RetentionDays, in.Body.LedgerDays, in.Body.InvestigationDays)
}

func (s *Server) putSettings(ctx context.Context, _ auth.Caller, in *putSettingsInput) (wire.Settings, error) {
	b := in.Body
	kept, err := s.cfg.Metadata.UpdateSettings(ctx, func(kept *metadata.Settings) {
		kept.RetentionDays = cmp.Or(b.RetentionDays, kept.RetentionDays)
		kept.LedgerDays = cmp.Or(b.LedgerDays, kept.LedgerDays)
		kept.InvestigationDays = cmp.Or(b.InvestigationDays, kept.InvestigationDays)
	})
	if errors.Is(err, metadata.ErrSettings) {
		return wire.Settings{}, refuse(errInvalid, err.Error())
	}
	return s.shown(ctx, kept), err
}

func (s *Server) shown(ctx context.Context, kept metadata.Settings) wire.Settings {
	active, why := s.aiState(ctx)
	return wire.Settings{
		AIActive: active, AIInactive: why,
		RetentionDays: kept.RetentionDays, LedgerDays: kept.LedgerDays, InvestigationDays: kept.InvestigationDays,
	}
}

func (s *Server) listAudit(ctx context.Context, _ auth.Caller, in *limitInput) (wire.AuditLog, error) {
	list, err := s.cfg.Metadata.AuditLog(ctx, in.Limit)
	return wire.AuditLog{Entries: list}, err
}
