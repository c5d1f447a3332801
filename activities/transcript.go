package activities

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
)

// maxEvidence bounds the structured results of one transcript, in bytes, together.
const maxEvidence = 8 << 20

// transcript is what a step gets to see: the turns so far with the ids of their evidence, and the evidence.
func transcript(inv metadata.Investigation, evidence []investigation.Evidence, before int, last bool, now time.Time) investigation.Transcript {
	asked := slices.DeleteFunc(slices.Clone(evidence), isControl)
	t := investigation.Transcript{Request: inv.Request, Evidence: capped(asked), Now: now, LastTurn: last}
	for _, turn := range inv.Turns {
		if turn.Number < before {
			turn.Evidence = evidenceOf(turn, asked)
			t.Turns = append(t.Turns, turn)
		}
	}
	return t
}

// evidenceOf finds the evidence of a turn's calls, in their order. A call that repeats an earlier one has that one's
// evidence; a call without an answer has "".
func evidenceOf(turn investigation.Turn, evidence []investigation.Evidence) []string {
	ids := make([]string, len(turn.Calls))
	for n, c := range turn.Calls {
		i := slices.IndexFunc(evidence, func(e investigation.Evidence) bool { return e.Call == c.ID })
		if i < 0 {
			i = slices.IndexFunc(evidence, func(e investigation.Evidence) bool { return e.Tool == c.Tool && sameJSON(e.Arguments, c.Arguments) })
		}
		if i >= 0 {
			ids[n] = evidence[i].ID
		}
	}
	return ids
}

// capped leaves out the oldest results once the newer ones fill the space.
func capped(evidence []investigation.Evidence) []investigation.Evidence {
	space := maxEvidence
	for i := len(evidence) - 1; i >= 0; i-- {
		if space -= len(evidence[i].Result); space < 0 {
			evidence[i].Result, evidence[i].Error = nil, "left out: the results are too large together"
		}
	}
	return evidence
}

func sameJSON(a, b json.RawMessage) bool { return bytes.Equal(canonical(a), canonical(b)) }

// canonical writes JSON with sorted keys and without spaces; what is no JSON stays as it is.
func canonical(raw json.RawMessage) json.RawMessage {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	b, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return b
}
