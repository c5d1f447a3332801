package mysql_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/mysql"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// exchange is what both parsers say of a command that was answered.
type exchange struct{ Query, Error string }

// disagreements are explained in docs/protocols.md; an entry that turns out to agree fails the test.
var disagreements = map[string]string{
	"mysql-statement.pcap": "a query on another connection is never answered; theirs are listed as if the next answer were its",
}

// inPacked are captures from the middle of connections on which packets are compressed, which shows in a whole transfer.
var inPacked = map[string]bool{"mysql-compressed-response.pcap": true, "mysql-use.pcap": true, "partial-packet-compressed.pcap": true}

func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "mysql")
	messages, agreed := 0, 0
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok {
			continue
		}
		want := theirs(t, result)
		messages += len(want)
		got := ours(t, pcap)
		for _, cut := range []string{"as captured", "byte by byte", "turn by turn"} {
			if cut == "byte by byte" && inPacked[name] {
				continue
			}
			diff := cmp.Diff(want, got[cut])
			for i, theirs := range want {
				if cut == "as captured" && i < len(got[cut]) && got[cut][i] == theirs {
					agreed++
				}
			}
			if reason, known := disagreements[name]; known == (diff == "") {
				t.Errorf("%s, %s: %q; commands (-theirs +ours):\n%s", name, cut, reason, diff)
			}
		}
	}
	if messages < 30 || agreed*100 < messages*95 {
		t.Errorf("%d of %d commands agree", agreed, messages)
	}
}

func ours(t *testing.T, pcap []byte) map[string][]exchange {
	t.Helper()
	got := map[string][]exchange{}
	sql := template.NewMySQL(100)
	for _, c := range protocoltest.Conversations(t, pcap, func(b []byte) bool { return mysql.Recognize(b) || mysql.Resumes(b) }) {
		for cut, segments := range c.Recut() {
			segments.Feed(mysql.New(sql, func(c protocol.Call) {
				if c.ErrorType != protocol.ConnectionClosed { // the capture was over
					got[cut] = append(got[cut], exchange{c.Query, c.Error})
				}
			}))
		}
	}
	return got
}

// Commands that theirs has: of those that only prepare nothing is told here unless they fail.
const (
	comInitDB  = 2
	comQuery   = 3
	comPrepare = 22
	comExecute = 23
)

// theirs are the answered commands of a result, in its order.
func theirs(t *testing.T, result []byte) (all []exchange) {
	t.Helper()
	sql := template.NewMySQL(100)
	prepared, kind := "", -1
	var open exchange
	for line := range strings.Lines(string(result)) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var m struct {
			Message  string `json:"msg_type"`
			Type     int    `json:"request_type"`
			Resource string `json:"request_resource"`
			Error    string `json:"response_execption"` //nolint:misspell // theirs
		}
		if err := json.Unmarshal([]byte(line[:strings.LastIndex(line, "}")+1]), &m); err != nil {
			t.Fatal(err)
		}
		switch m.Message {
		case "Request":
			open, kind = exchange{}, m.Type
			switch m.Type {
			case comQuery:
				open.Query = sql.Template(m.Resource).Text
			case comPrepare:
				prepared = sql.Template(m.Resource).Text
			case comExecute:
				open.Query = prepared
			}
		case "Response":
			open.Error = template.Message(m.Error, protocol.MaxError)
			if open.Error != "" || slices.Contains([]int{comQuery, comExecute, comInitDB}, kind) {
				all = append(all, open)
			}
			kind = -1
		}
	}
	return all
}
