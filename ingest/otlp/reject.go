package otlp

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/ingest/remotewrite"
)

// Limits on what one record may bring. The rest of its request is kept.
const (
	maxAttribute  = 64 << 10 // bytes of one attribute's value; the rest is cut off
	maxKey        = 1 << 10  // bytes of an attribute's name
	maxAttributes = 1024     // of a record, a span's event or link, a resource
	maxNested     = 1024     // events of a span, or links
	maxResource   = 64 << 10 // bytes of all attributes of a resource
	maxRecord     = 1 << 20  // bytes of a record
	maxExpanded   = 96 << 20 // bytes of all rows of a request
	maxBuckets    = 2048     // of a histogram
	maxFuture     = time.Hour
	MaxPast       = 7 * 24 * time.Hour
)

// What a row takes in the memory of the store beside its texts, about, in bytes.
const (
	rowOverhead  = 256
	pairOverhead = 20 // of an attribute
)

// Reason is why a record was rejected or changed. It is an attribute value of the ingester's own metrics.
type Reason string

// The reasons. Each is explained to the sender by its text in explanations.
const (
	timeFuture        Reason = "time_future"
	timePast          Reason = "time_past"
	timeMissing       Reason = "time_missing"
	endsBeforeStart   Reason = "ends_before_start"
	idMissing         Reason = "id_missing"
	recordTooLarge    Reason = "record_too_large"
	resourceTooLarge  Reason = "resource_too_large"
	requestTooLarge   Reason = "request_too_large"
	badHistogram      Reason = "bad_histogram"
	noTemporality     Reason = "no_temporality"
	noData            Reason = "no_data"
	nameMissing       Reason = "name_missing"
	seriesLimit       Reason = "series_limit"
	exemplarsCut      Reason = "exemplars_cut" // kept, with fewer exemplars
	badProfile        Reason = "bad_profile"
	framesCut         Reason = "frames_cut" // kept, with the 1024 innermost frames
	badObject         Reason = "bad_object"
	storeRefused      Reason = "store_refused"       // kept in dead_letters
	attributeCut      Reason = "attribute_cut"       // kept, but shorter
	attributeTwice    Reason = "attribute_twice"     // the first of several values of a key is kept
	attributeUnnamed  Reason = "attribute_unnamed"   // left out: without a key, or with one of more than 1 KiB
	attributesTooMany Reason = "attributes_too_many" // those after the 1,024th are left out
	eventsTooMany     Reason = "events_too_many"     // events or links after the 1,024th are left out
	notUTF8           Reason = "not_utf8"            // kept, with U+FFFD in place of what is no UTF-8
	noRecordedValue   Reason = "no_recorded_value"   // the sender itself says there is no value
	environmentOther  Reason = "environment_other"   // kept, in the environment of the sender's token instead
)

// explanations are for the sender's log.
var explanations = map[Reason]string{
	timeFuture:       "more than 1 h in the future: check the sender's clock",
	timePast:         "more than 7 days old",
	timeMissing:      "without a timestamp",
	endsBeforeStart:  "end before they start",
	idMissing:        "without a valid trace or span id",
	recordTooLarge:   "larger than 1 MiB, or Kubernetes objects larger than 2 MiB",
	resourceTooLarge: "with more than 64 KiB of resource attributes",
	requestTooLarge:  "past 96 MiB of rows in one request: send smaller batches",
	badHistogram:     "histograms whose bounds and counts do not fit, or with more than 2048 buckets",
	noTemporality:    "without aggregation temporality",
	noData:           "metrics of an unknown type",
	nameMissing:      "metrics without a name",
	badProfile:       "samples of profiles that name what their dictionary does not have, or with a number of times that is not that of their values",
	seriesLimit:      "of new series, past the limit of the token or of its environment: the series that are there are still taken",
	storeRefused:     "refused by the store: they are kept in dead_letters with the reason",
	badObject:        "Kubernetes objects without kind, name, uid, resource version or a known action, or whose body is no JSON object",
}

// Tally counts what happened to the records of one request.
type Tally struct {
	Stored   int
	Rejected map[Reason]int
	Noted    map[Reason]int // what was kept with something left out or replaced

	whole   bool // what is rejected now is parts of one record, which counts once
	counted bool // it did
}

// once reads a record that becomes several rows: it is rejected once, whatever of it is.
func (t *Tally) once(read func()) {
	t.whole, t.counted = true, false
	read()
	t.whole, t.counted = false, false
}

func (t *Tally) reject(r Reason) {
	if t.whole && t.counted {
		return
	}
	t.counted = t.whole
	if t.Rejected == nil {
		t.Rejected = map[Reason]int{}
	}
	t.Rejected[r]++
}

// Refuse says of how many rows that were taken for stored the store does not want, by table.
func (r *Rows) Refuse(of map[string]int) {
	for table, n := range of {
		r.Tally.Stored -= n
		r.rejectAll(storeRefused, n)
		r.Written.refuse(table, n)
	}
}

func (t *Tally) note(r Reason) {
	if t.Noted == nil {
		t.Noted = map[Reason]int{}
	}
	t.Noted[r]++
}

// Partial is that of the tally, of no more records than came: of a summary, or a sample of a profile, the store may refuse several rows.
func (r *Rows) Partial() (int64, string) {
	rejected, why := r.Tally.Partial()
	if r.came > 0 {
		rejected = min(rejected, int64(r.came))
	}
	return rejected, why
}

// Partial is what goes into OTLP's partial success: how many records were rejected, and why in words; 0 and "" when none was.
func (t *Tally) Partial() (int64, string) {
	total, parts := 0, []string{}
	for _, r := range slices.Sorted(maps.Keys(t.Rejected)) {
		total += t.Rejected[r]
		parts = append(parts, fmt.Sprintf("%d %s", t.Rejected[r], cmp.Or(explanations[r], remotewrite.Reason(r).Explain())))
	}
	return int64(total), strings.Join(parts, "; ")
}
