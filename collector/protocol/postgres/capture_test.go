package postgres_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/postgres"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// TestCaptures compares the statements of a long connection with what another parser read out of it. Theirs reads packets one
// by one: the statements that span several are missing there, and are listed here by their place among ours.
func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "postgre")
	onlyOurs := map[int]string{
		13: "SELECT mil_t_i_policyrenewendorse mil_t_i_policyrenew",
		30: "SELECT mil_t_policy",
	}
	theirs := readResult(t, files["pgsql-all.result"])
	for cut, calls := range read(t, files["pgsql-all.pcap"]) {
		var ours []string
		for i, c := range calls {
			if summary, ok := onlyOurs[i]; ok {
				if !strings.HasPrefix(c.Summary, summary) {
					t.Errorf("%s: %d is %q, want %q", cut, i, c.Summary, summary)
				}
				continue
			}
			ours = append(ours, c.Query)
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%s: statements (-theirs +ours):\n%s", cut, diff)
		}
	}
}

// TestShortCaptures has no other parser's word: what must come out was read from the bytes.
func TestShortCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "postgre")
	type outcome struct{ Query, Status, Error string }
	for name, want := range map[string][]outcome{
		"simple_query.pcap": {{Query: "delete from test"}},
		"error.pcap":        {{"asdsdfdsf", "42601", `syntax error at or near "asdsdfdsf"`}},
		"prepare_stat.pcap": nil, // the Parse of one round and the answer of another
	} {
		for cut, calls := range read(t, files[name]) {
			var got []outcome
			for _, c := range calls {
				got = append(got, outcome{c.Query, c.Status, c.Error})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, cut, diff)
			}
		}
	}
}

func read(t *testing.T, pcap []byte) map[string][]protocol.Call {
	t.Helper()
	calls := map[string][]protocol.Call{"as captured": nil, "byte by byte": nil, "turn by turn": nil}
	for _, c := range protocoltest.Conversations(t, pcap, postgres.Resumes) {
		for cut, segments := range c.Recut() {
			segments.Feed(postgres.New(template.NewSQL(16), func(c protocol.Call) { calls[cut] = append(calls[cut], c) }))
		}
	}
	return calls
}

func readResult(t *testing.T, b []byte) []string {
	t.Helper()
	sql := template.NewSQL(16)
	var all []string
	for line := range strings.Lines(string(b)) {
		end := strings.LastIndexByte(line, '}') + 1
		if end == 0 {
			continue // a statement's line breaks are in the JSON, so this is an empty line
		}
		var m struct {
			Kind      string `json:"msg_type"`
			Statement string `json:"request_resource"`
		}
		if err := json.Unmarshal([]byte(line[:end]), &m); err != nil {
			t.Fatal(err)
		}
		if m.Kind == "Request" {
			all = append(all, sql.Template(m.Statement).Text)
		}
	}
	return all
}
