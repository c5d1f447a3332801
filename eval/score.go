package eval

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/midwatch/midwatch/internal/terminal"
)

// Score sums up the results of an analyst.
type Score struct {
	Analyst      string        `json:"analyst"` // as asked for
	Results      []Result      `json:"results"`
	Right        int           `json:"right"`
	Wrong        int           `json:"wrong"` // confidently
	Inconclusive int           `json:"inconclusive"`
	Failed       int           `json:"failed"`
	Accuracy     float64       `json:"accuracy"` // right of all, 0..1
	Calibration  []Bucket      `json:"calibration"`
	Tokens       int64         `json:"tokens"`
	Cost         int64         `json:"cost"` // millionths of a US dollar
	Took         time.Duration `json:"took"`
}

// Bucket compares what reports claim with what they are worth: of those that claim a confidence in [From, To), so many are
// right. Reports that blame nobody are left out: their confidence is about something else.
type Bucket struct {
	From    float64 `json:"from"`
	To      float64 `json:"to"`
	Reports int     `json:"reports"`
	Right   int     `json:"right"`
	Claimed float64 `json:"claimed"` // their mean confidence
}

// edges of the buckets.
var edges = [...]float64{0, 0.5, 0.7, 0.8, 0.9, 1.01}

// Sum makes a score of results.
func Sum(analyst string, results []Result) Score {
	s := Score{Analyst: analyst, Results: results}
	for i := range len(edges) - 1 {
		s.Calibration = append(s.Calibration, Bucket{From: edges[i], To: min(edges[i+1], 1)})
	}
	for _, r := range results {
		switch r.Outcome {
		case Right:
			s.Right++
		case Wrong:
			s.Wrong++
		case Inconclusive:
			s.Inconclusive++
		default:
			s.Failed++
		}
		s.Tokens, s.Cost, s.Took = s.Tokens+r.Tokens, s.Cost+r.Cost, s.Took+r.Took
		for i := range s.Calibration {
			if b := &s.Calibration[i]; r.Culprit != "" && r.Confidence >= edges[i] && r.Confidence < edges[i+1] {
				b.Claimed = (b.Claimed*float64(b.Reports) + r.Confidence) / float64(b.Reports+1)
				b.Reports++
				if r.Outcome == Right {
					b.Right++
				}
			}
		}
	}
	if len(results) > 0 {
		s.Accuracy = float64(s.Right) / float64(len(results))
	}
	return s
}

// Write prints a table, a line per case, and the totals.
func (s Score) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CASE\tOUTCOME\tVERDICT\tCULPRIT\tMECHANISM\tSURE\tTURNS\tCALLS\tTOKENS\tCOST\tTIME\tWHY NOT")
	for _, r := range s.Results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.2f\t%d\t%s\t%d\t%s\t%.1f s\t%s\n", r.Case, r.Outcome, dash(string(r.Verdict)),
			dash(terminal.Line(r.Culprit)), dash(terminal.Line(string(r.Mechanism))), r.Confidence, r.Turns, calls(r), r.Tokens, dollars(r.Cost), r.Took.Seconds(), terminal.Line(r.Why))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s: %d of %d right (%.0f%%), %d confidently wrong, %d inconclusive, %d without a report; %d tokens, %s, %.1f s\n",
		s.Analyst, s.Right, len(s.Results), 100*s.Accuracy, s.Wrong, s.Inconclusive, s.Failed, s.Tokens, dollars(s.Cost), s.Took.Seconds())
	fmt.Fprintln(w, "\nof reports that blame somebody")
	for _, b := range s.Calibration {
		if b.Reports > 0 {
			fmt.Fprintf(w, "  confidence %.1f to %.1f (mean %.2f): %d of %d right\n", b.From, b.To, b.Claimed, b.Right, b.Reports)
		}
	}
	return nil
}

func calls(r Result) string {
	if r.Unrecorded > 0 {
		return fmt.Sprintf("%d (%d not recorded)", r.Calls, r.Unrecorded)
	}
	return fmt.Sprint(r.Calls)
}

func dollars(millionths int64) string { return fmt.Sprintf("$%.4f", float64(millionths)/1e6) }

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
