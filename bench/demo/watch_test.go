package main

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
)

// TestLook: what happened before the fault does not count, an investigation that goes on is open, and an incident that was
// open before counts from the alarm it took.
func TestLook(t *testing.T) {
	since := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return since.Add(time.Duration(s) * time.Second) }
	incident := func(opened int, id string, alerts ...int) wire.IncidentRow {
		row := wire.IncidentRow{Incident: investigation.Incident{ID: "inc-" + id, Investigation: id, OpenedAt: at(opened)}}
		for _, a := range alerts {
			row.Triggers = append(row.Triggers, investigation.Trigger{At: at(a)})
		}
		return row
	}
	investigations := map[string]wire.InvestigationDetail{
		"old": {}, "running": {Investigation: metadata.Investigation{Status: metadata.Running}},
		"done": {Investigation: metadata.Investigation{Status: "Concluded", EndedAt: at(25), Report: &investigation.Report{
			Verdict: investigation.RootCause, Culprit: "service/cart", Mechanism: investigation.PoolExhausted, Confidence: 0.8,
		}}},
	}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /api/v1/incidents", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, wire.IncidentList{Incidents: []wire.IncidentRow{
			incident(14, "running", 15), incident(-10, "done", -20, 12, 9), incident(11, "", 11), incident(-5, "old", -6),
		}})
	})
	mux.HandleFunc("GET /api/v1/investigations/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, investigations[r.PathValue("id")])
	})
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	trust := server.Client().Transport.(*http.Transport).TLSClientConfig
	m := &midwatch{Client: client.New(server.URL, &tls.Config{RootCAs: trust.RootCAs, MinVersion: tls.VersionTLS12}, "")}
	s, err := m.look(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	if s.incidents != 3 || s.open != 2 || !s.alert.Equal(at(9)) || !s.report.Equal(at(25)) || len(s.reports) != 1 {
		t.Errorf("saw %+v", s)
	}
	if got := s.reports[0]; got.Culprit != "service/cart" || got.Mechanism != "pool_exhausted" || got.Verdict != "root_cause" || got.Confidence != 0.8 {
		t.Errorf("report %+v", got)
	}
}
