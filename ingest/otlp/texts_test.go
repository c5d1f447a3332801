package otlp

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// TestTextsAreNoLargerThanARecord sends values that are six times as large when they are text, where the request's size says nothing of it.
func TestTextsAreNoLargerThanARecord(t *testing.T) {
	control := func(m pcommon.Map, values, size int) {
		for i := range values {
			m.PutEmptySlice(fmt.Sprint("key", i)).AppendEmpty().SetStr(strings.Repeat("\x01", size))
		}
	}
	for name, c := range map[string]struct {
		set  func(plog.ResourceLogs, plog.LogRecord)
		want Reason // why it is rejected; empty: it is kept with less
	}{
		"one attribute":   {func(_ plog.ResourceLogs, l plog.LogRecord) { control(l.Attributes(), 1, 15<<20) }, ""},
		"many attributes": {func(_ plog.ResourceLogs, l plog.LogRecord) { control(l.Attributes(), 1024, 12<<10) }, recordTooLarge},
		"attributes left out": {func(_ plog.ResourceLogs, l plog.LogRecord) {
			for i := range maxAttributes {
				l.Attributes().PutStr(strconv.Itoa(i), "")
			}
			control(l.Attributes(), 500, 30<<10)
		}, ""},
		"the body": {func(_ plog.ResourceLogs, l plog.LogRecord) {
			l.Body().SetEmptySlice().AppendEmpty().SetStr(strings.Repeat("\x01", 15<<20))
		}, recordTooLarge},
		"a resource": {func(rl plog.ResourceLogs, _ plog.LogRecord) { control(rl.Resource().Attributes(), 1024, 12<<10) }, resourceTooLarge},
	} {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		l := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		l.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		c.set(rl, l)
		r := New(Config{Now: time.Now()})
		decodeLogs(t, r, ld)
		if cap(r.scratch) > 4*maxObject {
			t.Errorf("%s: %d bytes of text were made", name, cap(r.scratch))
		}
		if c.want == "" && (r.Tally.Stored != 1 || r.Tally.Noted[attributeCut]+r.Tally.Noted[attributesTooMany] == 0) || c.want != "" && r.Tally.Rejected[c.want] != 1 {
			t.Errorf("%s: %+v, want %s", name, r.Tally, c.want)
		}
	}
}
