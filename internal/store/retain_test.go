package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

func TestRetainDropsWholeDaysThatAreTooOld(t *testing.T) {
	db := storetest.Open(t)
	day := func(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format("2006-01-02") }
	for _, ago := range []int{0, 1, 6, 7, 8, 30} {
		insert := fmt.Sprintf("INSERT INTO spans (time, service, kind) VALUES ('%s 23:59:59', 'cart', 'server')", day(ago))
		object := fmt.Sprintf("INSERT INTO k8s_objects (time, kind, name) VALUES ('%s 23:59:59', 'Pod', 'cart-1')", day(ago))
		for _, query := range []string{insert, object} {
			if err := db.Exec(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
	}
	const week = 7 * 24 * time.Hour
	dropped, err := db.Retain(t.Context(), week)
	if err != nil {
		t.Fatal(err)
	}
	if len(dropped) != 10 || dropped[0].Reason != store.TooOld || dropped[0].Rows != 1 { // two days of spans, of their three rollups, and of objects
		t.Errorf("dropped %v, want 10 partitions", dropped)
	}
	want := []string{day(7), day(6), day(1), day(0)} // the seventh day ago has an end that is younger
	for _, query := range []string{
		"SELECT arraySort(groupArray(toString(toDate(time)))) FROM spans",
		"SELECT arraySort(groupArray(toString(toDate(minute)))) FROM request_minutes",
		"SELECT arraySort(groupArray(toString(toDate(time)))) FROM k8s_objects",
	} {
		var got []string
		if err := db.QueryRow(t.Context(), query).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	if again, err := db.Retain(t.Context(), week); err != nil || len(again) != 0 {
		t.Errorf("a second time: dropped %v, %v", again, err)
	}
}

// TestARefusalKeepsNothingElse has an old day that the server does not drop, and one of a log that is not ours.
func TestARefusalKeepsNothingElse(t *testing.T) {
	db := storetest.Empty(t)
	const table = " (time DateTime) ENGINE = MergeTree PARTITION BY toYYYYMMDD(time) ORDER BY time"
	not := "system." + db.Database() + "_log"
	for _, query := range []string{
		"CREATE TABLE fixed" + table, "INSERT INTO fixed SELECT now() - INTERVAL 30 DAY", "ALTER TABLE fixed MODIFY SETTING table_readonly = 1",
		"CREATE TABLE logs" + table, "INSERT INTO logs SELECT now() - INTERVAL arrayJoin([0, 20]) DAY",
		"CREATE TABLE " + not + table, "INSERT INTO " + not + " SELECT now() - INTERVAL 40 DAY",
	} {
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	t.Cleanup(func() { _ = db.Exec(context.Background(), "DROP TABLE "+not) })
	dropped, err := db.Retain(t.Context(), 7*24*time.Hour)
	if err == nil || !strings.Contains(err.Error(), ".fixed") || len(dropped) != 1 || dropped[0].Table != "logs" {
		t.Errorf("dropped %v, %v; want the day of logs and why that of fixed stays", dropped, err)
	}
}

// TestOneAtATimeRetains finds that nothing is dropped while another process drops or migrates, and never what a migration has set aside.
func TestOneAtATimeRetains(t *testing.T) {
	db := storetest.Empty(t)
	for _, table := range []string{"spans", "spans_1"} {
		for _, query := range []string{
			"CREATE TABLE " + table + " (time DateTime) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY time",
			"INSERT INTO " + table + " SELECT now() - INTERVAL 20 DAY",
		} {
			if err := db.Exec(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
	}
	const week = 7 * 24 * time.Hour
	err := store.Locked(t.Context(), db, 100, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if dropped, err := db.Retain(ctx, week); len(dropped) != 0 {
			t.Errorf("dropped %v, %v while another process holds the lock", dropped, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	errs := make(chan error)
	var dropped atomic.Int64
	for range 3 {
		go func() {
			d, err := db.Retain(t.Context(), week)
			dropped.Add(int64(len(d)))
			errs <- err
		}()
	}
	if err := errors.Join(<-errs, <-errs, <-errs); err != nil || dropped.Load() != 1 {
		t.Errorf("three at once dropped %d, %v; want the one of spans", dropped.Load(), err)
	}
}

func TestAges(t *testing.T) {
	const d = 24 * time.Hour
	age := store.Retention{Days: map[string]int{"logs": 3, "system": 7, "metrics": 2, "metrics_10m": 90}}.Ages(30 * d)
	for table, want := range map[string]time.Duration{
		"logs": 3 * d, "spans": 30 * d, "request_minutes": 30 * d, "metric_samples": 2 * d, "exponential_histograms": 2 * d,
		"metric_minutes": 90 * d, "metric_ten_minutes": 90 * d, "metric_series": 90 * d, "query_log": 7 * d, "text_log_12": 7 * d,
	} {
		if got := age(store.SignalOf(table)); got != want {
			t.Errorf("%s (%s): %v, want %v", table, store.SignalOf(table), got, want)
		}
	}
	err := store.Retention{DiskShare: 80, MaxBytes: -1, Days: map[string]int{"span": 1, "logs": 0, "spans": 200_000}}.Validate()
	for _, want := range []string{"disk_share", "max_bytes", `no "span"`, "logs: 0", "spans: 200000"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to mention %s", err, want)
		}
	}
}
