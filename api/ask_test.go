package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/workflows"
)

// shop is an api that knows two services.
func shop(c *api.Config) {
	c.Tools = tools.New(tools.Tool{
		Name: "list_services", Schema: json.RawMessage(`{"type":"object"}`),
		Run: func(context.Context, tools.Scope, json.RawMessage) (tools.Result, error) {
			return tools.Result{Data: result.Services{Services: []result.Service{{Service: "checkout"}, {Service: "cart"}}}}, nil
		},
	})
}

// onsets finds what began half an hour ago, but nothing of cart.
type onsets struct{ asked [][]string }

func (o *onsets) Began(_ context.Context, scope detect.Scope, now time.Time) (w investigation.Window, ok bool, err error) {
	o.asked = append(o.asked, scope.Services)
	if slices.Contains(scope.Services, "cart") {
		return w, false, nil
	}
	return investigation.Window{From: now.Add(-30 * time.Minute), To: now.Add(-10 * time.Minute)}, true, nil
}

// TestAskWithoutATime: what began lately is looked for, with what is asked about first, and said; a time that is none is said to be.
func TestAskWithoutATime(t *testing.T) {
	var o onsets
	in := start(t, func(c *api.Config) { shop(c); c.Onsets = &o })
	for question, want := range map[string]struct {
		asked   [][]string
		misread []string
	}{
		"why is checkout slow?":        {asked: [][]string{{"checkout"}}},
		"why is cart slow?":            {asked: [][]string{{"cart"}, nil}},
		"what is wrong?":               {asked: [][]string{nil}},
		"what broke at 25:99?":         {asked: [][]string{nil}, misread: []string{"25:99"}},
		"what broke in the last hour?": {},
	} {
		o.asked = nil
		var asked wire.Asked
		must(t, in.as(auth.Operator).Do(t.Context(), http.MethodPost, "/api/v1/investigations", wire.Ask{Question: question}, &asked))
		sent := in.temporal.all()
		trigger := sent[len(sent)-1].arg.([]investigation.Trigger)[0]
		if !slices.EqualFunc(o.asked, want.asked, slices.Equal) || !slices.Equal(asked.Misread, want.misread) || (asked.Found != nil) != (want.asked != nil) {
			t.Errorf("%s: looked for %q, answered %+v", question, o.asked, asked)
			continue
		}
		if w := asked.Found; w != nil && (!trigger.Onset.Equal(w.From) || trigger.Attributes[workflows.UntilAttribute] != w.To.Format(time.RFC3339)) {
			t.Errorf("%s: found %v, trigger %+v", question, w, trigger)
		}
	}
}

// TestAskUnderstands: services and times of the question become the trigger's, and are said before anything starts.
func TestAskUnderstands(t *testing.T) {
	in := start(t, shop)
	for question, want := range map[string]struct {
		given             string
		services, unknown []string
		back, width       time.Duration // of the window; 0: none
	}{
		"why is Checkout slow since cart fails":       {services: []string{"checkout", "cart"}},
		"is \"billing\" down?":                        {unknown: []string{"billing"}},
		"why was cart slow in the last 30 minutes?":   {services: []string{"cart"}, back: 30 * time.Minute, width: 30 * time.Minute},
		"what broke 2 hours ago?":                     {back: 2 * time.Hour, width: 15 * time.Minute},
		"why is it slow, and cart, too?":              {given: "ledger", services: []string{"ledger", "cart"}, unknown: []string{"ledger"}},
		"why is everything slow? Nothing is named it": {},
	} {
		var asked wire.Asked
		body := wire.Ask{Question: question, Service: want.given, Offset: 120}
		must(t, in.as(auth.Operator).Do(t.Context(), http.MethodPost, "/api/v1/investigations", body, &asked))
		sent := in.temporal.all()
		trigger := sent[len(sent)-1].arg.([]investigation.Trigger)[0]
		named := append([]string{trigger.Service}, trigger.Peers...)
		if trigger.Service == "" {
			named = nil
		}
		if !slices.Equal(asked.Services, want.services) || !slices.Equal(named, want.services) || !slices.Equal(asked.Unknown, want.unknown) {
			t.Errorf("%s: %+v, trigger %+v", question, asked, trigger)
		}
		if (asked.Window != nil) != (want.width > 0) || trigger.Onset.IsZero() != (want.width == 0) {
			t.Errorf("%s: window %v, onset %v", question, asked.Window, trigger.Onset)
			continue
		}
		if w := asked.Window; w != nil {
			until := trigger.Attributes[workflows.UntilAttribute]
			if w.To.Sub(w.From) != want.width || trigger.At.Sub(w.From) != want.back || !trigger.Onset.Equal(w.From) || until != w.To.Format(time.RFC3339) {
				t.Errorf("%s: window %v, trigger %+v", question, w, trigger)
			}
		}
	}
}
