package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Limits on what one record may bring. The rest of its request is kept.
const (
	maxAttribute = 64 << 10  // bytes of one attribute's value; the rest is cut off
	maxResource  = 64 << 10  // bytes of all attributes of a resource, which are stored with every row
	maxRecord    = 1 << 20   // bytes of a record
	maxExpanded  = 128 << 20 // bytes of all rows of a request, resources repeated
	maxBuckets   = 2048      // of a histogram
	maxFuture    = time.Hour
	maxPast      = 7 * 24 * time.Hour
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
	badObject         Reason = "bad_object"
	attributeCut      Reason = "attribute_cut"      // kept, but shorter
	noRecordedValue   Reason = "no_recorded_value"  // the sender itself says there is no value
	environmentOther  Reason = "environment_other"  // kept, in the environment of the sender's token instead
	requestMalformed  Reason = "request_malformed"  // whole request
	requestTooDeep    Reason = "request_too_deep"   // whole request
	requestOverload   Reason = "request_overload"   // whole request, to be sent again
	requestStoreError Reason = "request_store"      // whole request, to be sent again
	requestDuplicate  Reason = "request_duplicate"  // whole request, stored before
	rowsDuplicate     Reason = "rows_stored_before" // rows found by their batch id

	requestUnauthenticated Reason = "request_unauthenticated" // whole request, not read: without certificate or valid token
	requestRate            Reason = "request_rate"            // whole request, not read: its sender is past its limit; to be sent again
	requestBodyTooLarge    Reason = "request_body_too_large"  // whole request, not read to its end
	requestAborted         Reason = "request_aborted"         // whole request: the sender went away while it sent
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
	requestTooLarge:  "past 128 MiB of rows in one request: send smaller batches",
	badHistogram:     "histograms whose bounds and counts do not fit, or with more than 2048 buckets",
	noTemporality:    "without aggregation temporality",
	noData:           "metrics of an unknown type",
	badObject:        "Kubernetes objects without kind, name, uid, resource version or a known action, or whose body is no JSON object",
}

// tally counts what happened to the records of one request.
type tally struct {
	stored   int
	rejected map[Reason]int
	noted    map[Reason]int // attributeCut, noRecordedValue: not the sender's loss
}

func (t *tally) reject(r Reason) {
	if t.rejected == nil {
		t.rejected = map[Reason]int{}
	}
	t.rejected[r]++
}

func (t *tally) note(r Reason) {
	if t.noted == nil {
		t.noted = map[Reason]int{}
	}
	t.noted[r]++
}

// partial is what goes into OTLP's partial success: how many records were rejected, and why in words; 0 and "" when none was.
func (t *tally) partial() (int64, string) {
	total, parts := 0, []string{}
	for _, r := range slices.Sorted(maps.Keys(t.rejected)) {
		total += t.rejected[r]
		parts = append(parts, fmt.Sprintf("%d %s", t.rejected[r], explanations[r]))
	}
	return int64(total), strings.Join(parts, "; ")
}
