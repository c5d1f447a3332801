package investigation_test

import (
	"encoding/json"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
)

func TestCallsThatAskTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"b": 1, "a":"x"}`, `{"a":"x","b":1}`, true},
		{`{"a":1}`, `{"a":2}`, false},
		{`{"id":9007199254740993}`, `{"id":9007199254740992}`, false}, // one number as float64
		{`{"a":`, `{"a":`, true},
		{`{"a":`, `{}`, false},
	} {
		a := investigation.ToolCall{ID: "t1c1", Tool: "x", Arguments: json.RawMessage(c.a)}
		b := investigation.ToolCall{ID: "t2c1", Tool: "x", Arguments: json.RawMessage(c.b)}
		if a.Same(b) != c.same {
			t.Errorf("%s and %s: same is %t", c.a, c.b, !c.same)
		}
		if b.Tool = "y"; a.Same(b) {
			t.Errorf("%s of two tools is the same", c.a)
		}
	}
}
