package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// SeriesKey is what all ingesters of a store hash the names of metric series and stacks with. Senders do not know it, so that nobody can make a
// series of his own that has the id of another's.
type SeriesKey struct {
	Secret [16]byte
	Since  time.Time // from this day on, in UTC, no series has an id that was made without the key
}

// SeriesKey returns the store's key, made by whoever asks first. In a cluster two that ask for the first time at the same moment agree if their
// configurations name the same server first; else both have the older key from their next start on.
func (db *DB) SeriesKey(ctx context.Context) (SeriesKey, error) {
	key, err := db.readSeriesKey(ctx)
	if !errors.Is(err, sql.ErrNoRows) {
		return key, err
	}
	lock := db
	if len(db.hosts) > 0 {
		lock = db.hosts[0]
	}
	err = locked(ctx, lock, usualTiming(), func(ctx context.Context, held heldLock) error {
		key, err = db.makeSeriesKey(ctx, held)
		return err
	})
	if err != nil {
		return SeriesKey{}, fmt.Errorf("make the key of series: %w", err)
	}
	return key, nil
}

const seriesKeyTable = "series_key"

// readSeriesKey returns sql.ErrNoRows, wrapped, if there is none.
func (db *DB) readSeriesKey(ctx context.Context) (key SeriesKey, err error) {
	var secret string
	err = db.QueryRow(ctx, "SELECT secret, since FROM "+seriesKeyTable+" ORDER BY made, secret LIMIT 1").Scan(&secret, &key.Since)
	if err != nil {
		return SeriesKey{}, fmt.Errorf("read the key of series: %w", err)
	}
	copy(key.Secret[:], secret)
	return key, nil
}

// makeSeriesKey makes the key, unless another process did so before this one had the lock.
func (db *DB) makeSeriesKey(ctx context.Context, held heldLock) (SeriesKey, error) {
	if err := db.Quiet(ctx, seriesKeyTable); err != nil {
		return SeriesKey{}, err
	}
	key, err := db.readSeriesKey(ctx)
	if !errors.Is(err, sql.ErrNoRows) {
		return key, err
	}
	var last time.Time // the latest day that has series
	if err := db.QueryRow(ctx, "SELECT max(day) FROM metric_series").Scan(&last); err != nil {
		return SeriesKey{}, err
	}
	key.Since = last.AddDate(0, 0, 1)
	_, _ = rand.Read(key.Secret[:]) // never fails
	if err := held.check(ctx); err != nil {
		return SeriesKey{}, err
	}
	// As a block, not as a text that logs of queries would keep.
	return key, db.Insert(ctx, seriesKeyTable, []string{"made", "since", "secret"}, key.block)
}

func (k SeriesKey) block() []proto.Input {
	made := (&proto.ColDateTime64{}).WithPrecision(proto.PrecisionNano)
	made.Append(time.Now())
	since := proto.ColDate{proto.ToDate(k.Since)}
	secret := proto.ColFixedStr{Size: len(k.Secret)}
	secret.Append(k.Secret[:])
	return []proto.Input{{{Name: "made", Data: made}, {Name: "since", Data: &since}, {Name: "secret", Data: &secret}}}
}
