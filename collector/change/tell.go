package change

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/kept"
)

// Sink takes what is told under an id, which is the same when it is told again, and counts what of it JetStream has.
type Sink interface {
	kept.Queue
	LogsAs(ctx context.Context, id string, ld plog.Logs) error
}

// Tell publishes changes, each as a message of its own, and keeps what is known once JetStream has them: if the node agent is killed before
// that, it finds them again and tells them under the same ids. Call it after each Step, also when there are none.
func (t *Tracker) Tell(ctx context.Context, changes []Change) {
	t.publish(ctx, changes)
	var err error
	if t.dirty {
		var taken bool
		taken, err = t.file.Keep(t.state)
		t.dirty = !taken
	} else {
		err = t.file.Settle()
	}
	t.complain(err)
}

// Close tells the last changes and waits a few seconds for JetStream to have them.
func (t *Tracker) Close(ctx context.Context, changes []Change) {
	t.publish(ctx, changes)
	t.complain(t.file.Last(ctx, t.state))
}

func (t *Tracker) publish(ctx context.Context, changes []Change) {
	for _, c := range changes {
		t.cfg.Log.Info("deployment", "service", c.Process.Service, "kind", c.Kind, "file", c.File)
		logs := plog.NewLogs()
		c.Append(logs, t.cfg.Identity)
		if err := t.cfg.Sink.LogsAs(ctx, c.id(t.cfg.Identity), logs); err != nil {
			t.cfg.Log.Warn("a deployment is lost", "service", c.Process.Service, "kind", c.Kind, "error", err)
		}
	}
}

func (t *Tracker) complain(err error) {
	if err != nil {
		t.cfg.Log.Error("changes may be announced again after a restart", "error", err)
	}
}

// id is the same whenever the change is found. It says nothing of what the change is.
func (c Change) id(at host.Identity) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		at.Environment, at.Host, c.Process.Service, c.Kind, c.File, c.Before, c.After, c.mark,
	}, "\x00")))
	return hex.EncodeToString(sum[:16])
}
