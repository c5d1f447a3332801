package store_test

import (
	"testing"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	db := storetest.Empty(t)
	errs := make(chan error)
	for range 4 {
		go func() { errs <- store.Migrate(t.Context(), db) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Error(err)
	}
}
