package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

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
