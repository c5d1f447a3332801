package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// story is one investigation from trigger to fix.
type story struct {
	incident investigation.Incident
	request  investigation.Request
	turns    []turn
	report   investigation.Report
	fix      *investigation.Fix
	ending   string // status of the incident after the report
}

type turn struct {
	say   string
	calls []call
	draft *investigation.Report
	by    string      // investigation.AnalystBuiltin, AnalystModel
	asked []llm.Entry // calls to a model before it was decided
}

// call is a tool call and what it finds.
type call struct {
	tool, why, summary, query, failure string
	arguments                          map[string]any
	data                               any
}

// play writes the story into db as the activities would, waiting between its steps.
func (s story) play(ctx context.Context, db *metadata.DB, wait time.Duration) error {
	if err := db.PutIncident(ctx, s.incident); err != nil {
		return err
	}
	if err := db.CreateInvestigation(ctx, s.request); err != nil {
		return err
	}
	for n, t := range s.turns {
		time.Sleep(wait)
		if m, err := db.InvestigationSummary(ctx, s.request.ID); err != nil || m.Status != metadata.Running {
			return err // cancelled
		}
		if err := s.playTurn(ctx, db, n+1, t, wait); err != nil {
			return err
		}
	}
	return s.conclude(ctx, db, wait)
}

func (s story) playTurn(ctx context.Context, db *metadata.DB, number int, t turn, wait time.Duration) error {
	for n, e := range t.asked {
		e.Call = llm.Call{Investigation: s.request.ID, Turn: number, Ask: 1}
		if err := playCall(ctx, db, e, s.incident.OpenedAt.Add(time.Duration(20*number+3*n)*time.Second)); err != nil {
			return err
		}
	}
	kept := investigation.Turn{Number: number, Say: t.say, Analyst: t.by, Draft: t.draft, At: time.Now().UTC()}
	for i, c := range t.calls {
		kept.Calls = append(kept.Calls, investigation.ToolCall{
			ID: fmt.Sprintf("t%dc%d", number, i+1), Tool: c.tool, Why: c.why, Arguments: encode(c.arguments),
		})
	}
	if err := db.PutTurn(ctx, s.request.ID, kept); err != nil {
		return err
	}
	for i, c := range t.calls {
		time.Sleep(wait / 2)
		stored, err := db.PutEvidence(ctx, s.evidence(c, kept.Calls[i]))
		if err != nil {
			return err
		}
		kept.Evidence = append(kept.Evidence, stored.ID)
	}
	return db.PutTurn(ctx, s.request.ID, kept)
}

func (s story) evidence(c call, asked investigation.ToolCall) investigation.Evidence {
	e := investigation.Evidence{
		Investigation: s.request.ID, Call: asked.ID, Tool: c.tool, Arguments: asked.Arguments, Window: s.request.Fault, Query: c.query,
		Summary: c.summary, Error: c.failure, DataTypes: []investigation.DataType{investigation.Traces, investigation.Metrics}, At: time.Now().UTC(),
	}
	if c.failure == "" {
		e.Result = encode(c.data)
	}
	sum := sha256.Sum256(append(append([]byte(c.tool), e.Arguments...), e.Result...))
	e.Digest = hex.EncodeToString(sum[:])
	return e
}

func (s story) conclude(ctx context.Context, db *metadata.DB, wait time.Duration) error {
	time.Sleep(wait)
	if err := db.PutReport(ctx, s.request.ID, s.report); err != nil {
		return err
	}
	if err := db.SetInvestigationStatus(ctx, s.request.ID, metadata.Concluded); err != nil {
		return err
	}
	if s.fix != nil {
		f := *s.fix
		f.ID, f.Incident, f.Investigation, f.Environment = workflows.FixID(s.request.ID), s.incident.ID, s.request.ID, environment
		f.CreatedAt, f.Status = time.Now().UTC().Truncate(time.Microsecond), workflows.FixAwaiting
		f.Digest = f.ContentDigest()
		if err := db.PutFix(ctx, f); err != nil {
			return err
		}
	}
	return db.UpdateIncident(ctx, s.incident.ID, func(i *investigation.Incident) {
		i.Status = s.ending
		if s.ending == "closed" || s.ending == "resolved" {
			i.ClosedAt = time.Now().UTC()
		}
	})
}

// begin is what every story shares: one trigger, its incident and its request.
func begin(incident string, onset time.Time, t investigation.Trigger) story {
	onset = onset.UTC().Truncate(time.Second)
	t.Environment, t.Onset, t.At = environment, onset, onset.Add(20*time.Second)
	id := workflows.InvestigationID(incident)
	return story{
		incident: investigation.Incident{
			ID: incident, Environment: environment, Title: t.Summary, Service: t.Service, Severity: t.Severity, Status: "investigating",
			Triggers: []investigation.Trigger{t}, Investigation: id, OpenedAt: t.At,
		},
		request: investigation.Request{
			ID: id, Incident: incident, Environment: environment, Requester: "midwatch", Triggers: []investigation.Trigger{t},
			Fault:   investigation.Window{From: onset.Add(-10 * time.Second), To: t.At},
			Healthy: investigation.Window{From: onset.Add(-5 * time.Minute), To: onset.Add(-10 * time.Second)},
			Budget:  investigation.Budget{Turns: 8, Wall: time.Minute},
		},
		ending: "closed",
	}
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("canned data is plain: %v", err))
	}
	return b
}

func report(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
}
