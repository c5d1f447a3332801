package api_test

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/rules"
)

func TestRulesAreToldToWhomTheyConcern(t *testing.T) {
	in := start(t)
	at := time.Now().UTC().Truncate(time.Second)
	must(t, in.db.StoreRuleStates(t.Context(), environment, rules.States{At: at, Rules: []rules.State{
		{Name: "mine", Series: 2, Raised: 1}, {Name: "shop/deep", Error: "it takes more than 3s"}, {Name: "store/deep", Blind: true},
	}}))
	must(t, in.db.StoreRuleStates(t.Context(), environment, rules.States{At: at.Add(-time.Minute)})) // of a worker that was slow
	all := get(in.as(auth.Viewer).Rules(t.Context()))(t)
	if len(all.Rules) != 3 || !all.At.Equal(at) || all.Rules[0].State != "raised" || all.Rules[1].State != "failed" || all.Rules[1].Problem == "" || all.Rules[2].State != "no_data" {
		t.Errorf("%+v", all)
	}
	token, _, err := auth.Create(t.Context(), in.db, auth.Grant{Subject: "bob", Role: auth.Viewer, Namespaces: []string{"shop"}})
	must(t, err)
	if some := get(client.New(in.url, in.trust, token).Rules(t.Context()))(t); len(some.Rules) != 1 || some.Rules[0].Name != "shop/deep" {
		t.Errorf("who may see one namespace: %+v", some)
	}
}
