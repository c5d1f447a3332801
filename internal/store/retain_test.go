package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	dropped, err := db.Retain(t.Context(), 7*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if dropped != 6 { // two days of spans, of their rollup, and of objects
		t.Errorf("dropped %d partitions, want 6", dropped)
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
	if again, err := db.Retain(t.Context(), 7*24*time.Hour); err != nil || again != 0 {
		t.Errorf("a second time: dropped %d, %v", again, err)
	}
}
