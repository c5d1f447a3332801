package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// What an analyst writes is stored untrusted and with real names, since a model's pseudonyms are turned back before its answer is
// read; what came another way may still hold some. Here, and nowhere else, it is made ready for whoever is signed in and reads
// it: pseudonyms become what they stand for, and the text plain, without control characters or anything that a terminal or a
// browser could take for a link. What leaves Midwatch otherwise, a later prompt, a notification, a pull request, is not made
// from this, and every name that is known is replaced in it. Evidence is real already and stays as it is.

// readable makes what an analyst wrote ready for a reader.
func readable[T any](names *privacy.Map, written T) (read T, err error) {
	doc, err := json.Marshal(written)
	if err != nil {
		return read, err
	}
	decoder := json.NewDecoder(bytes.NewReader(names.ResolveJSON(doc)))
	decoder.UseNumber()
	var values any
	if err := decoder.Decode(&values); err != nil {
		return read, err
	}
	if doc, err = json.Marshal(plain(values)); err != nil {
		return read, err
	}
	return read, json.Unmarshal(doc, &read)
}

// plain makes every string of a JSON value plain.
func plain(value any) any {
	switch v := value.(type) {
	case string:
		return privacy.Plain(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, inner := range v {
			clean[privacy.Plain(name)] = plain(inner)
		}
		return clean
	}
	return value
}

// readDetail makes an investigation ready for a reader.
func (s *Server) readDetail(ctx context.Context, d *wire.InvestigationDetail) error {
	names, err := s.cfg.Metadata.Pseudonyms(ctx, d.ID)
	if err != nil {
		return err
	}
	if d.Turns, err = readable(names, d.Turns); err != nil {
		return fmt.Errorf("show turns of %s: %w", d.ID, err)
	}
	if d.Report, err = readable(names, d.Report); err != nil {
		return fmt.Errorf("show report of %s: %w", d.ID, err)
	}
	if err := readQuestions(names, d.Questions); err != nil {
		return err
	}
	if d.Incident != nil {
		d.Incident.Title = privacy.Plain(names.Resolve(d.Incident.Title))
	}
	for i := range d.Fixes {
		readFix(names, &d.Fixes[i])
	}
	return nil
}

// readQuestions makes questions and their answers ready for a reader. Who asked put it in words of their own, which are untrusted like
// any others.
func readQuestions(names *privacy.Map, questions []investigation.Question) (err error) {
	for i := range questions {
		if questions[i], err = readable(names, questions[i]); err != nil {
			return fmt.Errorf("show question %d: %w", questions[i].Number, err)
		}
	}
	return nil
}

// readFix makes the reason for a fix ready for a reader. What is done when it is approved stays to the letter, but a patch of a cluster is
// left out: it has credentials in the clear that the difference hides.
func readFix(names *privacy.Map, f *investigation.Fix) {
	f.Why = privacy.Plain(names.Resolve(f.Why))
	if f.Cluster != nil {
		f.Cluster.Patch = nil
	}
}

// readFixes is readFix for fixes of any investigations.
func (s *Server) readFixes(ctx context.Context, fixes []investigation.Fix) error {
	for i := range fixes {
		f := &fixes[i]
		names, err := s.namesIn(ctx, f.Investigation, f.Why)
		if err != nil {
			return err
		}
		readFix(names, f)
	}
	return nil
}

// readSummary makes a summary ready for a reader.
func (s *Server) readSummary(ctx context.Context, m *metadata.InvestigationSummary) error {
	names, err := s.namesIn(ctx, m.ID, m.Title, string(m.Culprit))
	if err != nil {
		return err
	}
	m.Title = privacy.Plain(names.Resolve(m.Title))
	m.Culprit = telemetry.Entity(privacy.Plain(names.Resolve(string(m.Culprit))))
	return nil
}

// readIncident makes an incident ready for a reader.
func (s *Server) readIncident(ctx context.Context, i *investigation.Incident) error {
	names, err := s.namesIn(ctx, i.Investigation, i.Title)
	if err != nil {
		return err
	}
	i.Title = privacy.Plain(names.Resolve(i.Title))
	return nil
}

// namesIn returns the pseudonyms of an investigation, if any of the texts looks as if it held one: lists are long.
func (s *Server) namesIn(ctx context.Context, investigationID string, texts ...string) (*privacy.Map, error) {
	for _, t := range texts {
		if privacy.Mentions(t) {
			return s.cfg.Metadata.Pseudonyms(ctx, investigationID)
		}
	}
	return privacy.NewMap(), nil
}
