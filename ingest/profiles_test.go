package ingest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// ProfileRows asks for it.
const ProfileRows = `SELECT toString(groupArray((service, type, unit, value, trace_id, attributes, frames, files, lines))) FROM (
	SELECT *, trace_id FROM profile_samples INNER JOIN (SELECT * FROM profile_stacks FINAL) AS s USING (stack_id) ORDER BY value)`

// ProfileWant is the answer.
const ProfileWant = `[('cart','cpu','nanoseconds',7,'',{},['main'],['main.go'],[5]),` +
	`('cart','cpu','nanoseconds',10,'01000000000000000000000000000000',{'thread.name':'worker'},['0xbeef','inner','work','main'],['libc.so','work.go','work.go','main.go'],[0,12,20,5]),` +
	`('cart','cpu','nanoseconds',30,'01000000000000000000000000000000',{'thread.name':'worker'},['0xbeef','inner','work','main'],['libc.so','work.go','work.go','main.go'],[0,12,20,5])]`

func TestProfilesBecomeRows(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	for i := range 2 { // stacks are told once
		body, err := pprofileotlp.NewExportRequestFromProfiles(otlptest.Profiled(pcommon.NewTimestampFromTime(now.Add(time.Duration(-i) * time.Millisecond)))).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.export(t.Context(), sent(telemetry.Profiles, body)); err != nil || len(r.Tally.Rejected) != 0 {
			t.Fatal(r, err)
		}
		if i == 0 {
			var got string
			if err := db.QueryRow(t.Context(), ProfileRows).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ProfileWant, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
	if stacks, samples := counted(t, db, "SELECT count() FROM profile_stacks"), counted(t, db, "SELECT count() FROM profile_samples"); stacks != 2 || samples != 6 {
		t.Errorf("%d stacks, %d samples; want 2, 6", stacks, samples)
	}
}
