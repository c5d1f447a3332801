package activities

import (
	"context"
	"log/slog"

	"github.com/midwatch/midwatch/workflows"
)

// Notify tells people. It writes to the log, from where `midwatch up` shows it.
type Notify struct{ Log *slog.Logger }

// Announce writes one line.
func (a *Notify) Announce(ctx context.Context, n workflows.Announcement) error {
	a.Log.InfoContext(ctx, n.Line, "incident", n.Incident)
	return nil
}
