package secret

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArgs(t *testing.T) {
	for in, want := range map[string]string{
		"app --password=hunter2 -v":                      "app --password=**** -v",
		"app --db-password hunter2 --port 80":            "app --db-password **** --port 80",
		"env PGPASSWORD=hunter2 psql":                    "env PGPASSWORD=**** psql",
		"app postgres://shop:hunter2@db:5432/shop?a=b":   "app postgres://shop:****@db:5432/shop?a=b",
		"redis-server --requirepass hunter2":             "redis-server --requirepass ****",
		"app -config /etc/app/token.yaml":                "app -config /etc/app/token.yaml",
		"curl -H Authorization:hunter2 http://h/authors": "curl -H Authorization:**** http://h/authors",
		"app --api-key=sk-12345 --tokens-per-minute=5":   "app --api-key=**** --tokens-per-minute=****",
		"app --passive --author=me":                      "app --passive --author=me",
	} {
		if diff := cmp.Diff(want, strings.Join(Args(strings.Fields(in)), " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestText(t *testing.T) {
	in := `port: 8080
payment_url: http://127.0.0.1:8085
password: "hunter two"
  api_key = hunter2
{"token":"hunter2","n":1}
requirepass hunter2
dsn: host=db user=shop password=hunter2 dbname=shop
authority: example.org
-----BEGIN RSA PRIVATE KEY-----
aHVudGVyMg
-----END RSA PRIVATE KEY-----
header: Bearer aHVudGVyMg==
`
	want := `port: 8080
payment_url: http://127.0.0.1:8085
password: ****
  api_key = ****
{"token":****,"n":1}
requirepass ****
dsn: host=db user=shop password=**** dbname=shop
authority: example.org
-----BEGIN RSA PRIVATE KEY-----
****
-----END RSA PRIVATE KEY-----
header: Bearer ****
`
	if diff := cmp.Diff(want, Text(in)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzText(f *testing.F) {
	f.Add("password: x\n")
	f.Add("-----BEGIN PRIVATE KEY-----\n\n")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Text(s); strings.Count(got, "\n") != strings.Count(s, "\n") && !strings.Contains(s, "PRIVATE KEY") {
			t.Errorf("%q became %q: another number of lines", s, got)
		}
	})
}
