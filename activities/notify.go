package activities

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/workflows"
)

// NotifyStore is what Notify needs of the metadata store.
type NotifyStore interface {
	Incident(ctx context.Context, id string) (investigation.Incident, error)
	Fix(ctx context.Context, id string) (investigation.Fix, error)
	Pseudonyms(ctx context.Context, investigation string) (*privacy.Map, error)
	KnownNames(ctx context.Context, environment string) (*privacy.Known, error)
}

var _ NotifyStore = (*metadata.DB)(nil)

// Notify tells people: in the log, from where `midwatch up` shows it, and wherever the configuration says.
type Notify struct {
	DB    NotifyStore
	To    *notify.Notifier // nil: nobody but the log
	Key   []byte           // what the pseudonyms follow from
	Hosts []string         // machine names that must not leave
	Log   *slog.Logger
}

// Bounds of a message's texts, in bytes: what does not fit is on the page.
const (
	maxNotice  = 500
	maxContent = 1500
)

// Announce sends one line to everybody who wants to hear of its event. Who got it in an earlier attempt does not get it
// again; who refuses it is logged and left out.
func (a *Notify) Announce(ctx context.Context, n workflows.Announcement) error {
	info := activity.GetInfo(ctx)
	if info.Attempt <= 1 {
		a.Log.InfoContext(ctx, n.Line, "incident", n.Incident, "event", n.Event)
	}
	var done []string
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &done); err != nil {
			a.Log.WarnContext(ctx, "told again", "incident", n.Incident, "error", err)
		}
	}
	id := digest(info.WorkflowExecution.ID, []byte(info.WorkflowExecution.RunID+info.ActivityID))[:24]
	done, err := a.deliver(ctx, n, id, done)
	activity.RecordHeartbeat(ctx, done)
	return err
}

// deliver sends to all who want to hear and are not done, side by side, and returns who is done now.
func (a *Notify) deliver(ctx context.Context, n workflows.Announcement, id string, done []string) ([]string, error) {
	if a.To == nil {
		return done, nil
	}
	left := slices.DeleteFunc(a.To.Wanting(n.Event), func(name string) bool { return slices.Contains(done, name) })
	if len(left) == 0 {
		return done, nil
	}
	m, err := a.message(ctx, n, id)
	if err != nil {
		return done, err
	}
	failures := make([]error, len(left))
	var wg sync.WaitGroup
	for i, name := range left {
		wg.Go(func() { failures[i] = a.To.Send(ctx, name, m) })
	}
	wg.Wait()
	for i, name := range left {
		if errors.Is(failures[i], notify.ErrRefused) {
			a.Log.ErrorContext(ctx, "notification refused", "target", name, "incident", n.Incident, "error", failures[i])
			failures[i] = nil
		}
		if failures[i] == nil {
			done = append(done, name)
		}
	}
	return done, errors.Join(failures...)
}

// message makes an announcement complete, from what is stored, and takes out what must not leave.
func (a *Notify) message(ctx context.Context, n workflows.Announcement, id string) (notify.Message, error) {
	i, err := a.DB.Incident(ctx, n.Incident)
	if err != nil {
		return notify.Message{}, final(err)
	}
	say, err := a.outbound(ctx, i)
	if err != nil {
		return notify.Message{}, err
	}
	m := notify.Message{
		Version: 1, ID: id, Event: n.Event, At: time.Now().UTC(), Environment: i.Environment, Incident: i.ID, Service: say(i.Service, maxNotice),
		Severity: i.Severity, Title: say(i.Title, maxNotice), Text: say(n.Line, maxNotice), URL: a.To.Page(i.Investigation),
	}
	if n.Fix == "" {
		return m, nil
	}
	f, err := a.DB.Fix(ctx, n.Fix)
	if err != nil {
		return notify.Message{}, final(err)
	}
	content := f.Content
	if f.Cluster != nil {
		content = does(f) // the specification is for the page alone, where who may look is known
	}
	m.Fix = &notify.Fix{
		ID: f.ID, Action: f.Action, Target: say(f.Target, maxNotice), Content: say(content, maxContent), Digest: f.Digest, Status: f.Status,
	}
	needed, given := f.Quorate(time.Now())
	m.Fix.Needed = needed
	for _, g := range given {
		m.Fix.Approved = append(m.Fix.Approved, g.Approver)
	}
	return m, nil
}

// outbound returns what makes a text fit to leave: secrets and names taken out, pseudonyms that a model wrote kept, inert, because who takes
// it may show it anywhere, and cut.
func (a *Notify) outbound(ctx context.Context, i investigation.Incident) (func(text string, limit int) string, error) {
	names, err := a.DB.Pseudonyms(ctx, i.Investigation)
	if err != nil {
		return nil, err
	}
	known, err := a.DB.KnownNames(ctx, i.Environment)
	if err != nil {
		return nil, err
	}
	say, err := leaving{a.Key, i.Environment, names, known, a.Hosts}.outbound(i.Triggers, i.Service)
	if err != nil {
		return nil, err
	}
	return func(text string, limit int) string {
		return code.Cut(strings.Join(strings.Fields(privacy.Inert(say(text))), " "), limit)
	}, nil
}
