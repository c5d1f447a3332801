package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// watched is an api of a cluster with some workloads, which lists objects as kubernetes_list does: by a part of the name.
func watched(c *api.Config) {
	there := map[string][][2]string{
		"Deployment":  {{"shop", "load"}, {"shop", "back"}, {"shop", "back-office"}, {"store", "back"}},
		"StatefulSet": {{"shop", "db"}},
	}
	c.Tools = tools.New(tools.Tool{
		Name: "list_services", Schema: json.RawMessage(`{"type":"object"}`),
		Run: func(context.Context, tools.Scope, json.RawMessage) (tools.Result, error) {
			return tools.Result{Data: result.Services{Services: []result.Service{{Service: "back.shop"}}}}, nil
		},
	}, tools.Tool{
		Name: "kubernetes_list", Schema: json.RawMessage(`{"type":"object"}`),
		Run: func(_ context.Context, _ tools.Scope, raw json.RawMessage) (tools.Result, error) {
			var a struct{ Kind, Namespace, Name string }
			err := json.Unmarshal(raw, &a)
			var found result.KubernetesObjects
			for _, o := range there[a.Kind] {
				if (a.Namespace == "" || a.Namespace == o[0]) && strings.Contains(o[1], a.Name) {
					found.Objects = append(found.Objects, result.KubernetesObject{Namespace: o[0], Name: o[1]})
				}
			}
			return tools.Result{Data: found}, err
		},
	})
}

func TestAQuestionIsAboutTheWorkloadThatItNames(t *testing.T) {
	in := start(t, watched)
	for question, want := range map[string]struct {
		service string
		entity  telemetry.Entity
	}{
		"What is wrong with the load deployment?":  {"load.shop", "workload/shop/deployment/load"},
		"why does deployment/back in shop crash?":  {"back.shop", "workload/shop/deployment/back"},
		"is back.shop well?":                       {"back.shop", "workload/shop/deployment/back"},
		"What about the pods of back in store?":    {"back.store", "workload/store/deployment/back"},
		"Why is the statefulset `db` stuck?":       {"db.shop", "workload/shop/statefulset/db"},
		"what is wrong with the front deployment?": {"", ""},
		"why is everything slow in the last hour?": {"", ""},
	} {
		var asked wire.Asked
		must(t, in.as(auth.Operator).Do(t.Context(), http.MethodPost, "/api/v1/investigations", wire.Ask{Question: question}, &asked))
		sent := in.temporal.all()
		trigger := sent[len(sent)-1].arg.([]investigation.Trigger)[0]
		if trigger.Service != want.service || trigger.Entity != want.entity || len(trigger.Peers) > 0 || len(asked.Unknown) > 0 {
			t.Errorf("%s: %q %q, peers %v, unknown %v", question, trigger.Service, trigger.Entity, trigger.Peers, asked.Unknown)
		}
	}
	token, _, err := auth.Create(t.Context(), in.db, auth.Grant{Subject: "bob", Role: auth.Operator, Namespaces: []string{"store"}})
	must(t, err)
	var asked wire.Asked
	must(t, client.New(in.url, in.trust, token).Do(t.Context(), http.MethodPost, "/api/v1/investigations", wire.Ask{Question: "what is wrong with deployment/back in shop?"}, &asked))
	sent := in.temporal.all()
	if trigger := sent[len(sent)-1].arg.([]investigation.Trigger)[0]; trigger.Entity != "" {
		t.Errorf("one who may see another namespace only: %+v", trigger)
	}
}
