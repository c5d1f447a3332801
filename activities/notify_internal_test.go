package activities

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/workflows"
)

// listener is a target on loopback that answers as the test says.
type listener struct {
	mu     sync.Mutex
	status int
	got    []notify.Message
}

func (l *listener) target(t *testing.T, name string, events ...workflows.Event) notify.Target {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		var m notify.Message
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &m) != nil {
			t.Errorf("%s: %v", body, err)
		}
		l.got = append(l.got, m)
		w.WriteHeader(l.status)
	}))
	t.Cleanup(server.Close)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	return notify.Target{Name: name, Kind: notify.KindWebhook, URL: server.URL, KeyFile: key, Events: events}
}

// announce runs the activity on the bench's store, with what an earlier attempt left.
func (b *bench) announce(n *Notify, a workflows.Announcement, earlier ...string) ([]string, error) {
	b.t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(n.Announce, activity.RegisterOptions{Name: workflows.AnnounceActivity})
	if earlier != nil {
		env.SetHeartbeatDetails(earlier)
	}
	_, err := env.ExecuteActivity(workflows.AnnounceActivity, a)
	done, failure := n.deliver(b.t.Context(), a, "again", earlier)
	if (err == nil) != (failure == nil) {
		b.t.Errorf("the activity ends %v, the delivery %v", err, failure)
	}
	return done, err
}

func (b *bench) notifying(targets ...notify.Target) *Notify {
	b.t.Helper()
	to, err := notify.New(notify.Config{Page: "https://midwatch.example", Targets: targets})
	if err != nil {
		b.t.Fatal(err)
	}
	i := investigation.Incident{
		ID: "inc-1", Environment: "test", Investigation: "inv-1", Service: "catalog", Severity: investigation.Critical, OpenedAt: time.Now(),
		Title: "catalog is slow for 10.20.30.40", Triggers: []investigation.Trigger{{Service: "catalog", Peers: []string{"db.internal.example.com"}}},
	}
	if err := b.db.PutIncident(b.t.Context(), i); err != nil {
		b.t.Fatal(err)
	}
	return &Notify{DB: b.db, To: to, Key: []byte(strings.Repeat("p", 32)), Hosts: []string{"node-7"}, Log: slog.New(slog.DiscardHandler)}
}

// met has another investigation of the environment learn the names in a text.
func (b *bench) met(id, text string) {
	b.t.Helper()
	names := privacy.NewMap()
	r, err := privacy.New(privacy.Config{Key: []byte("a key of another's process"), Map: names})
	if err != nil {
		b.t.Fatal(err)
	}
	r.Text(text)
	if err := errors.Join(b.db.CreateInvestigation(b.t.Context(), investigation.Request{ID: id, Environment: "test"}), b.db.PutPseudonyms(b.t.Context(), id, names)); err != nil {
		b.t.Fatal(err)
	}
}

func TestAnnounceSaysWhatWouldRunAndNoNames(t *testing.T) {
	b, l := newBench(t), &listener{status: http.StatusOK}
	n := b.notifying(l.target(t, "all"))
	b.met("inv-elsewhere", "Failed password for invalid user jsmith from 10.9.9.9")
	line := "A fix awaits approval: jsmith asked for a restart for mail@example.com on node-7, password=hunter2hunter2 \x1b[2J ip-7f3a9c1"
	a := workflows.Announcement{Incident: "inc-1", Event: workflows.ApprovalAwaited, Fix: b.fix.ID, Line: line}
	if _, err := b.announce(n, a); err != nil {
		t.Fatal(err)
	}
	m := l.got[0]
	if m.Event != workflows.ApprovalAwaited || m.URL != "https://midwatch.example/investigations/inv-1" || m.Fix == nil ||
		m.Fix.Digest != b.fix.Digest || !strings.HasPrefix(m.Fix.Content, "/usr/bin/mktemp") || m.Fix.Needed != 1 || m.Service != "catalog" || m.ID == "" {
		t.Errorf("%+v", m)
	}
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"10.20.30.40", "mail@example", "node-7", "jsmith", "hunter2", "\\u001b"} {
		if strings.Contains(string(body), gone) {
			t.Errorf("%s left in %s", gone, body)
		}
	}
	if !strings.Contains(m.Title, "ip-") || !strings.Contains(m.Text, "catalog") && !strings.Contains(m.Title, "catalog") {
		t.Errorf("%q, %q", m.Title, m.Text)
	}
}

// TestAnnounceKeepsTheSpecification: of a change of a cluster people are told what it does, and read the rest on the page.
func TestAnnounceKeepsTheSpecification(t *testing.T) {
	b, l := newBench(t), &listener{status: http.StatusOK}
	n := b.notifying(l.target(t, "all"))
	b.fix.Content = "restart deployment shop/web\n\n-  image: internal.example/web:1\n"
	b.remedied("shop/deployment/web")
	if _, err := b.announce(n, workflows.Announcement{Incident: "inc-1", Event: workflows.ApprovalAwaited, Fix: b.fix.ID, Line: "A fix awaits approval"}); err != nil {
		t.Fatal(err)
	}
	if got := l.got[0].Fix.Content; got != "restart deployment shop/web" {
		t.Errorf("%q", got)
	}
}

// TestAnnounceOnceEach has a target that is down, one that refuses and one that takes everything.
func TestAnnounceOnceEach(t *testing.T) {
	b := newBench(t)
	up, down, refuses, deaf := &listener{status: 204}, &listener{status: 503}, &listener{status: 404}, &listener{status: 204}
	n := b.notifying(up.target(t, "up"), down.target(t, "down"), refuses.target(t, "refuses"), deaf.target(t, "deaf", workflows.ApprovalOverdue))
	a := workflows.Announcement{Incident: "inc-1", Event: workflows.IncidentOpened, Line: "Incident"}
	done, err := b.announce(n, a)
	if err == nil || !strings.Contains(err.Error(), "down") || strings.Contains(err.Error(), "refuses") {
		t.Fatalf("%v", err)
	}
	heard := len(up.got)
	down.status = 204
	if _, err := b.announce(n, a, done...); err != nil {
		t.Fatal(err)
	}
	if len(up.got) != heard || len(refuses.got) != heard || len(down.got) != 2*heard || len(deaf.got) != 0 {
		t.Errorf("up %d, refuses %d, down %d, deaf %d", len(up.got), len(refuses.got), len(down.got), len(deaf.got))
	}
}

func TestAnnounceWithoutTargets(t *testing.T) {
	b := newBench(t)
	n := &Notify{DB: b.db, Log: slog.New(slog.DiscardHandler)}
	if done, err := n.deliver(context.Background(), workflows.Announcement{Incident: "unknown"}, "1", nil); err != nil || done != nil {
		t.Errorf("%v, %v", done, err)
	}
}
