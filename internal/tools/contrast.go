package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	contrasted = `kind = {side:String} AND service = {service:String} AND ({operation:String} = '' OR name = {operation:String})`

	// What is slow is what is slower than nearly everything of healthy time was, unless the question says otherwise.
	contrastThresholdSQL = `
SELECT count() AS n, ifNotFinite(quantileExact(0.95)(duration_ns), 0) AS threshold_ns
FROM spans WHERE ` + contrasted + ` AND ` + inWindow

	// One row per value of an attribute. Attributes of one request alone (ports of clients, sizes) tell nothing of others.
	contrastSQL = `
SELECT pair.1 AS attribute, pair.2 AS value, countIf(w = 1 AND bad) AS bad_with, countIf(w = 1 AND NOT bad) AS good_with,
       countIf(w = 0 AND bad) AS bad_before, countIf(w = 0 AND NOT bad) AS good_before
FROM (
    SELECT if(` + inFault + `, 1, 0) AS w, if({by:String} = 'failing', status = 'error', duration_ns >= {threshold_ns:UInt64}) AS bad,
           arrayJoin(arrayConcat([('', ''), ('operation', toString(name)), ('peer', toString(peer_service)), ('instance', toString(instance)), ('host', toString(host)),
                                  ('version', toString(service_version)), ('status', toString(status))],
                                 arrayMap((k, v) -> (toString(k), substring(v, 1, 300)), mapKeys(attributes), mapValues(attributes)))) AS pair
    FROM spans WHERE ` + contrasted + ` AND ` + inEither + `
)
WHERE pair.1 NOT IN {left_out:Array(String)} AND (pair.1 = '' OR pair.2 != '')
GROUP BY attribute, value
HAVING attribute = '' OR bad_with >= {least:UInt32}
ORDER BY attribute != '', bad_with DESC, attribute, value
LIMIT 2000`

	// leastBad is how many bad spans must have a value for it to be told.
	leastBad = 3
	// contrastZ is how unlikely by chance a difference must be: hundreds of values are compared.
	contrastZ      = 3.7
	maxDifferences = 25

	contrastMethod = "spans of the fault window are split into bad and good; for each value of each attribute phi is the correlation of the 2x2 table " +
		"(has the value or not, bad or good), z the pooled two-proportion z; listed are values with z >= 3.7 that at least 3 bad spans have, by phi"
)

// Attributes that are of one request alone, or by which failures are failures.
var (
	ofOneRequest = []string{"network.peer.port", "midwatch.request.size", "midwatch.response.size", "url.path", "url.full", "url.query", "thread.id"}
	ofFailures   = []string{"status", "error.type", "http.response.status_code", "db.response.status_code", "rpc.grpc.status_code"}
)

type contrastArguments struct {
	windows
	Service     string  `json:"service"`
	Side        string  `json:"side"`
	Operation   string  `json:"operation"`
	By          string  `json:"by"`
	ThresholdMS float64 `json:"threshold_ms"`
}

func (a contrastArguments) validate() error {
	switch {
	case a.Service == "":
		return fmt.Errorf("%w: service is required", ErrArguments)
	case a.By != "slow" && a.By != "failing":
		return fmt.Errorf("%w: by is slow or failing", ErrArguments)
	case a.Side != "" && a.Side != "server" && a.Side != "client":
		return fmt.Errorf("%w: side is server or client", ErrArguments)
	case a.ThresholdMS < 0 || a.ThresholdMS > 0 && a.By != "slow":
		return fmt.Errorf("%w: threshold_ms is a number of milliseconds, with by slow only", ErrArguments)
	}
	return a.windows.validate()
}

type valueRow struct {
	Attribute  string `ch:"attribute"`
	Value      string `ch:"value"`
	Bad        uint64 `ch:"bad_with"`
	Good       uint64 `ch:"good_with"`
	BadBefore  uint64 `ch:"bad_before"`
	GoodBefore uint64 `ch:"good_before"`
}

type thresholdRow struct {
	N  uint64 `ch:"n"`
	NS uint64 `ch:"threshold_ns"`
}

func (r reader) contrast() Tool {
	return Tool{
		Name: "contrast",
		Description: "What slow (or failing) spans of one service have in common that its normal ones have not: operation, peer, instance, version, statement, table, " +
			"route and every other attribute, ranked by effect size, with how bad the same value was in healthy time.",
		Schema: schema(true, map[string]any{
			"service":      text("whose spans, required"),
			"side":         map[string]any{"type": "string", "enum": []string{"", "server", "client"}, "description": "what it answered (server, if left out) or what it asked others"},
			"operation":    text("only spans of exactly this name"),
			"by":           map[string]any{"type": "string", "enum": []string{"slow", "failing"}, "description": "what makes a span bad, required"},
			"threshold_ms": map[string]any{"type": "number", "minimum": 0, "description": "slow from here; the 95th percentile of healthy time if left out"},
		}),
		DataTypes: []investigation.DataType{investigation.Traces},
		Cost:      2,
		Run:       r.runContrast,
		Control:   controlWindows,
	}
}

func (r reader) runContrast(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
	a, err := decode[contrastArguments](arguments)
	if err != nil {
		return Result{}, err
	}
	a.Side = cmp.Or(a.Side, "server")
	of := []param{{"service", a.Service}, {"side", a.Side}, {"operation", a.Operation}}
	threshold := uint64(a.ThresholdMS * 1e6)
	if a.By == "slow" && threshold == 0 {
		rows, _, err := query[thresholdRow](ctx, r.db, contrastThresholdSQL, append(in(scope, a.baseline()), of...))
		if err != nil {
			return Result{}, err
		}
		if len(rows) == 0 || rows[0].N == 0 {
			return Result{}, fmt.Errorf("%w: %s has no such spans in healthy time to take a threshold from: give threshold_ms", ErrNoAnswer, a.Service)
		}
		threshold = rows[0].NS + 1
	}
	leftOut := ofOneRequest
	if a.By == "failing" {
		leftOut = slices.Concat(ofOneRequest, ofFailures)
	}
	params := append(append(compared(scope, a.windows), of...), param{"by", a.By}, param{"threshold_ns", threshold}, param{"left_out", leftOut}, param{"least", leastBad})
	rows, text, err := query[valueRow](ctx, r.db, contrastSQL, params)
	if err != nil {
		return Result{}, err
	}
	c := differences(rows)
	c.By, c.Side, c.Method = a.By, a.Side, contrastMethod
	if a.By == "slow" {
		c.ThresholdMS = round(float64(threshold) / 1e6)
	}
	return Result{Summary: contrastSummary(a, c), Query: text, Window: a.public(), Data: c}, nil
}

// differences ranks the values. The row without an attribute holds all spans.
func differences(rows []valueRow) result.Contrast {
	c := result.Contrast{Differences: []result.Difference{}}
	if len(rows) == 0 || rows[0].Attribute != "" {
		return c
	}
	all := rows[0]
	c.Spans = result.Pair{Fault: float64(all.Bad + all.Good), Healthy: float64(all.BadBefore + all.GoodBefore)}
	c.Bad = result.Pair{Fault: float64(all.Bad), Healthy: float64(all.BadBefore)}
	same := map[[4]uint64]int{}
	for _, row := range rows[1:] {
		d := difference(row, all)
		if d.Z < contrastZ {
			continue
		}
		counts := [4]uint64{row.Bad, row.Good, row.BadBefore, row.GoodBefore}
		if at, known := same[counts]; known {
			c.Differences[at].Also = append(c.Differences[at].Also, row.Attribute+"="+row.Value)
			continue
		}
		same[counts] = len(c.Differences)
		c.Differences = append(c.Differences, d)
	}
	slices.SortStableFunc(c.Differences, func(a, b result.Difference) int {
		return cmp.Or(cmp.Compare(b.Phi, a.Phi), cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.Value, b.Value))
	})
	c.Omitted = max(0, len(c.Differences)-maxDifferences)
	c.Differences = c.Differences[:len(c.Differences)-c.Omitted]
	return c
}

func difference(row, all valueRow) result.Difference {
	ratio := func(a, b uint64) float64 { return round(analysis.Ratio(float64(a), float64(b))) }
	return result.Difference{
		Attribute: row.Attribute, Value: row.Value, Bad: row.Bad, Good: row.Good, OfBad: ratio(row.Bad, all.Bad), OfGood: ratio(row.Good, all.Good),
		Phi: round(phi(row, all)), Z: round(analysis.ProportionZ(row.Bad, all.Bad, row.Good, all.Good)),
		BadRatio: result.Pair{Fault: ratio(row.Bad, row.Bad+row.Good), Healthy: ratio(row.BadBefore, row.BadBefore+row.GoodBefore)},
	}
}

// phi is the correlation of having a value and being bad, 0 when every span has it or every span is bad.
func phi(row, all valueRow) float64 {
	a, b := float64(row.Bad), float64(row.Good)
	c, d := float64(all.Bad)-a, float64(all.Good)-b
	return analysis.Ratio(a*d-b*c, math.Sqrt((a+b)*(c+d)*(a+c)*(b+d)))
}

func contrastSummary(a contrastArguments, c result.Contrast) string {
	s := fmt.Sprintf("%.0f of %.0f spans of %s are %s", c.Bad.Fault, c.Spans.Fault, a.Service, a.By)
	if len(c.Differences) == 0 {
		return s + "; nothing distinguishes them"
	}
	d := c.Differences[0]
	return s + fmt.Sprintf("; %s %s has %.0f%% of them and %.0f%% of the others", d.Attribute, d.Value, 100*d.OfBad, 100*d.OfGood)
}
