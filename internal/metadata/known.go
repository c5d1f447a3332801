package metadata

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/midwatch/midwatch/internal/privacy"
)

// knownNames is what this process has read of the names of an environment. The metadata store stays the truth: each call asks it
// which maps there are and how long, and opens only those that it has not seen so.
type knownNames struct {
	mu    sync.Mutex
	names *privacy.Known
	sizes map[string]int64 // investigation → bytes of its sealed map when it was read; a map only grows
}

// openedAtOnce bounds the maps of one query.
const openedAtOnce = 200

// KnownNames returns the names that the investigations of an environment met, those stored by other processes included: whoever
// redacts for one must know the names that the others met. Callers of one process share what is returned; it may grow.
func (d *DB) KnownNames(ctx context.Context, environment string) (*privacy.Known, error) {
	names, err := d.knownOf(environment).read(ctx, d, environment)
	if err != nil {
		return nil, fmt.Errorf("read the names of %s: %w", environment, err)
	}
	return names, nil
}

func (d *DB) knownOf(environment string) *knownNames {
	d.known.Lock()
	defer d.known.Unlock()
	if d.known.of == nil {
		d.known.of = map[string]*knownNames{}
	}
	k := d.known.of[environment]
	if k == nil {
		k = &knownNames{}
		d.known.of[environment] = k
	}
	return k
}

func (k *knownNames) read(ctx context.Context, d *DB, environment string) (*privacy.Known, error) {
	stored, err := d.mapSizes(ctx, environment)
	if err != nil {
		return nil, err
	}
	names, ids := k.missing(stored)
	for len(ids) > 0 {
		n := min(len(ids), openedAtOnce)
		if err := d.learn(ctx, names, ids[:n]); err != nil {
			return nil, err
		}
		k.note(names, ids[:n], stored)
		ids = ids[n:]
	}
	return names, nil
}

// missing returns what is to be added to, and the investigations whose maps are not in it as they are stored. When one was deleted,
// everything is read anew: its names are to be forgotten.
func (k *knownNames) missing(stored map[string]int64) (names *privacy.Known, ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.sizes {
		if _, there := stored[id]; !there {
			k.names = nil
			break
		}
	}
	if k.names == nil {
		k.names, k.sizes = privacy.NewKnown(), map[string]int64{}
	}
	for id, size := range stored {
		if k.sizes[id] < size {
			ids = append(ids, id)
		}
	}
	return k.names, ids
}

// note remembers what was read, unless everything is read anew by now.
func (k *knownNames) note(names *privacy.Known, ids []string, stored map[string]int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.names != names {
		return
	}
	for _, id := range ids {
		k.sizes[id] = max(k.sizes[id], stored[id])
	}
}

// mapSizes returns the length of each sealed map of an environment. Neither database reads the maps for that.
func (d *DB) mapSizes(ctx context.Context, environment string) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := d.rows(ctx, d.sql, `SELECT p.investigation, LENGTH(p.sealed) FROM pseudonyms p JOIN investigations i ON i.id = p.investigation
		WHERE i.environment = ?`, []any{environment},
		func(scan func(...any) error) error {
			var id string
			var size int64
			err := scan(&id, &size)
			sizes[id] = size
			return err
		})
	return sizes, err
}

// learn adds the stored names of some investigations.
func (d *DB) learn(ctx context.Context, names *privacy.Known, ids []string) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return d.rows(ctx, d.sql, `SELECT investigation, sealed FROM pseudonyms WHERE investigation IN (?`+strings.Repeat(", ?", len(ids)-1)+`)`, args,
		func(scan func(...any) error) error {
			var id string
			var sealed []byte
			if err := scan(&id, &sealed); err != nil {
				return err
			}
			m := privacy.NewMap()
			if err := d.open(pseudonymsPurpose(id), sealed, m); err != nil {
				return err
			}
			names.Add(m)
			return nil
		})
}
