package object_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/kube/object"
)

var key = []byte("a key that stays in the cluster")

// Every value that is a secret holds the word hunter2; every other one says visible.
const secrets = `{"kind":"Deployment","metadata":{"uid":"u","name":"api","annotations":{"note":"visible","vault.example/token":"hunter2","dsn":"postgres://u:hunter2@db/visible"}},
	"spec":{"template":{"spec":{
		"volumes":[{"name":"s","secret":{"secretName":"visible-secret"}}],
		"containers":[{"name":"api","image":"visible","command":["/api","--listen=visible"],"args":["--password","hunter2","--db-password=hunter2","--level","visible"],
		"env":[{"name":"LEVEL","value":"visible"},{"name":"DB_PASSWORD","value":"hunter2"},{"name":"URL","value":"redis://:hunter2@cache"},
			{"name":"FROM","valueFrom":{"secretKeyRef":{"name":"visible-ref","key":"password"}}}],
		"livenessProbe":{"httpGet":{"path":"/visible","httpHeaders":[{"name":"Authorization","value":"hunter2"}]}}}]}}},
	"status":{"conditions":[{"type":"Ready","message":"visible; password=hunter2"}]}}`

func TestMasksHideSecretsAndNothingElse(t *testing.T) {
	for name, raw := range map[string]string{
		"deployment": secrets,
		"config map": `{"kind":"ConfigMap","metadata":{"uid":"u"},"data":{"LEVEL":"visible","API_TOKEN":"hunter2","app.yaml":"level: visible\ndb:\n  password: hunter2\n","id_rsa":"hunter2"},"binaryData":{"keystore":"hunter2"}}`,
		"custom":     `{"kind":"Database","metadata":{"uid":"u"},"spec":{"size":"visible","password":"hunter2","secretName":"visible"}}`,
	} {
		o := decode(t, raw)
		shown := strings.Count(raw, "visible")
		tags := object.Mask(o, key, name == "custom")
		got := text(t, o)
		if strings.Contains(got, "hunter2") || strings.Count(got, "visible") != shown {
			t.Errorf("%s: %s", name, got)
		}
		for path, tag := range tags {
			if strings.Contains(got, tag) {
				t.Errorf("%s: the object holds the tag of %s", name, path)
			}
		}
	}
}

func TestAChangedSecretShowsAsChangedAndNotAsWhat(t *testing.T) {
	versions := func(after string) (object.Diff, string) {
		before, now := decode(t, secrets), decode(t, after)
		tagsB, tagsA := object.Mask(before, key, false), object.Mask(now, key, false)
		d := tagsA.Changed(tagsB, object.Compare(before, now))
		s, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		return d, s
	}
	if d, s := versions(secrets); len(d) > 0 {
		t.Errorf("the same twice: %s", s)
	}
	_, got := versions(strings.Replace(secrets, `"DB_PASSWORD","value":"hunter2"`, `"DB_PASSWORD","value":"hunter3"`, 1))
	if diff := cmp.Diff(`[{"path":"/spec/template/spec/containers/api/env/DB_PASSWORD/value","before":"****","after":"****"}]`, got); diff != "" {
		t.Error(diff)
	}
	_, got = versions(strings.Replace(secrets, `--db-password=hunter2`, `--db-password=hunter3`, 1))
	if diff := cmp.Diff(`[{"path":"/spec/template/spec/containers/api/args/2","before":"****","after":"****"}]`, got); diff != "" {
		t.Error(diff)
	}
}
