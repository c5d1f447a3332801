package api

import (
	"context"
	"strings"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
)

// listRules returns what became of the alert rules that people wrote. Whoever may see some namespaces only sees the rules of those.
func (s *Server) listRules(ctx context.Context, who auth.Caller, _ *struct{}) (wire.AlertRules, error) {
	states, err := s.cfg.Metadata.RuleStates(ctx, s.cfg.Environment)
	if err != nil {
		return wire.AlertRules{}, err
	}
	out := wire.AlertRules{At: states.At, Problem: states.Error, Rules: []wire.AlertRule{}}
	for _, r := range states.Rules {
		namespace, _, object := strings.Cut(r.Name, "/")
		if len(who.Namespaces) > 0 && (!object || !investigation.Within([]string{namespace}, who.Namespaces)) {
			continue
		}
		out.Rules = append(out.Rules, wire.AlertRule{
			Name: r.Name, Severity: string(r.Severity), State: r.Reason(), Series: r.Series, Raised: r.Raised, Problem: r.Error,
		})
	}
	return out, nil
}
