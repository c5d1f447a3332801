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
		"env DB_PASS=hunter2 app --smtp-pwd=hunter2":     "env DB_PASS=**** app --smtp-pwd=****",
		"app --url=http://h/?token=hunter2&a=b":          "app --url=http://h/?token=****&a=b",
		"app --passive --author=me":                      "app --passive --author=me",
	} {
		if diff := cmp.Diff(want, strings.Join(Args(strings.Fields(in)), " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestArgsWithSeveralSettingsInOne(t *testing.T) {
	got := Args([]string{"app", "host=/run dbname=shop password=hunter2 user=shop", "sh -c 'PGPASSWORD=hunter2 psql'"})
	want := []string{"app", "host=/run dbname=shop password=**** user=shop", "sh -c 'PGPASSWORD=**** psql'"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		`{"level":"info","password":"hun\"ter2","n":1}`:         `{"level":"info","password":"****","n":1}`,
		`time=x level=INFO msg=login token=hunter2 user=jo`:     `time=x level=INFO msg=login token=**** user=jo`,
		`level=INFO secret="hunter two" n=1`:                    `level=INFO secret="****" n=1`,
		`connect postgres://shop:hunter2@db:5432/shop: refused`: `connect postgres://shop:****@db:5432/shop: refused`,
		`GET /reset?token=hunter2&x=1 200`:                      `GET /reset?token=****&x=1 200`,
		`Authorization: Bearer aHVudGVyMg==`:                    `Authorization: Bearer ****`,
		`FATAL:  password authentication failed for user "jo"`:  `FATAL:  password authentication failed for user "jo"`,
		`token: expired after 5m`:                               `token: expired after 5m`,
		`auth: no token given`:                                  `auth: no token given`,
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%s)\n got %s\nwant %s", in, got, want)
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
<db><password enc="no">hunter2</password></db>
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
<db><password enc="no">****</password></db>
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

// BenchmarkLine is the cost of an ordinary line, and of one that is masked.
func BenchmarkLine(b *testing.B) {
	for name, line := range map[string]string{
		"plain":  `time=2026-01-02T03:04:05.678Z level=INFO msg="order stored" order=4711 user=u0042 total=12.50 took=3.2ms upstream=payment status=200`,
		"masked": `time=2026-01-02T03:04:05.678Z level=INFO msg="logged in" token=hunter2 user=u0042 took=3.2ms upstream=payment status=200`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Line(line)
			}
		})
	}
}
