package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	name        = "KUBERNETES"
	openTimeout = 10 * time.Second
	putTimeout  = 5 * time.Second
	keySize     = 32
	markerLife  = 15 * time.Minute // of what is left of a deleted key
)

// ErrOvertaken means that somebody else wrote what this process believed to be its own: another exporter leads.
var ErrOvertaken = errors.New("another exporter writes the same objects")

// ErrGone means that the bucket was removed, or lost with JetStream's disk. Open makes it anew.
var ErrGone = errors.New("the bucket of Kubernetes objects is gone")

// Bucket is the memory of one cluster. Safe for concurrent use.
type Bucket struct {
	kv     jetstream.KeyValue
	prefix string // several clusters may share one JetStream
}

// Open makes the bucket when it is missing.
func Open(ctx context.Context, js jetstream.JetStream, cluster string) (*Bucket, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: name, Description: "Versions of Kubernetes objects that the exporter published last", History: 1, Storage: jetstream.FileStorage,
		LimitMarkerTTL: markerLife,
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	if cluster == "" {
		cluster = "unknown"
	}
	return &Bucket{kv: kv, prefix: cluster + "."}, nil
}

// Key makes the tags of masked values. The first caller draws it.
func (b *Bucket) Key(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	if _, err := b.kv.Create(ctx, b.prefix+"key", key); err == nil {
		return key, nil
	} else if !errors.Is(err, jetstream.ErrKeyExists) {
		return nil, fmt.Errorf("keep the key of tags: %w", err)
	}
	e, err := b.kv.Get(ctx, b.prefix+"key")
	if err != nil {
		return nil, fmt.Errorf("read the key of tags: %w", err)
	}
	return e.Value(), nil
}

// Entry is a packed version as it lies in the bucket.
type Entry struct {
	UID      string
	Packed   []byte
	Revision uint64 // by which a later write proves that nobody wrote in between
}

func objects(resource string) string {
	return "o." + strings.ReplaceAll(resource, ".", "_") + "."
}

// Load hands every object of a resource to each.
func (b *Bucket) Load(ctx context.Context, resource string, each func(Entry) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.kv.Watch(ctx, b.prefix+objects(resource)+"*", jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("read what was published of %s: %w", resource, err)
	}
	defer func() { _ = w.Stop() }() // it ends with ctx anyway
	for {
		select {
		case e, open := <-w.Updates():
			if !open {
				return fmt.Errorf("read what was published of %s: JetStream went away", resource)
			}
			if e == nil { // all that was there
				return nil
			}
			if err := each(Entry{UID: e.Key()[strings.LastIndexByte(e.Key(), '.')+1:], Packed: e.Value(), Revision: e.Revision()}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Put keeps a packed version. revision is that of the entry it replaces, 0 for a new one. The error is ErrOvertaken when the entry is neither
// what the caller thinks nor what it wants: then only the answer to an earlier call was lost.
func (b *Bucket) Put(ctx context.Context, resource, uid string, packed []byte, revision uint64) (uint64, error) {
	key := b.prefix + objects(resource) + uid
	next, err := b.put(ctx, key, packed, revision, "keep a version of "+resource)
	if errors.Is(err, ErrOvertaken) {
		if e, again := b.get(ctx, key); again == nil && bytes.Equal(e.Value(), packed) {
			return e.Revision(), nil
		}
	}
	return next, err
}

func (b *Bucket) get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	return b.kv.Get(ctx, key)
}

func (b *Bucket) put(ctx context.Context, key string, value []byte, revision uint64, what string) (next uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	if revision == 0 {
		next, err = b.kv.Create(ctx, key, value)
	} else {
		next, err = b.kv.Update(ctx, key, value, revision)
	}
	return next, b.wrote(ctx, err, what)
}

// Forget removes an object that is gone. The error is ErrOvertaken when its entry is not what the caller thinks.
func (b *Bucket) Forget(ctx context.Context, resource, uid string, revision uint64) error {
	key := b.prefix + objects(resource) + uid
	err := b.purge(ctx, key, revision, "forget one of "+resource)
	if errors.Is(err, ErrOvertaken) {
		if _, again := b.get(ctx, key); errors.Is(again, jetstream.ErrKeyNotFound) { // the answer to an earlier call was lost
			return nil
		}
	}
	return err
}

func (b *Bucket) purge(ctx context.Context, key string, revision uint64, what string) error {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	return b.wrote(ctx, b.kv.Purge(ctx, key, jetstream.LastRevision(revision), jetstream.PurgeTTL(markerLife)), what)
}

func (b *Bucket) wrote(ctx context.Context, err error, what string) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		if _, gone := b.kv.Status(ctx); errors.Is(gone, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("%s: %w", what, ErrGone)
		}
	case errors.Is(err, jetstream.ErrKeyExists), errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return fmt.Errorf("%s: %w", what, ErrOvertaken)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Progress is how far everything that was published of a cluster is kept.
type Progress struct {
	Tail        uint64            `json:"tail"`        // sequence in JetStream up to which everything is in the bucket
	Checkpoints map[string]string `json:"checkpoints"` // resource → resource version up to which everything was published and is in the bucket
}

// Progress is what the last writer wrote, and its revision; 0 when nobody did.
func (b *Bucket) Progress(ctx context.Context) (p Progress, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	e, err := b.kv.Get(ctx, b.prefix+"progress")
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return p, 0, nil
	}
	if err != nil {
		return p, 0, fmt.Errorf("read how far the cluster was published: %w", err)
	}
	if err := json.Unmarshal(e.Value(), &p); err != nil {
		return p, 0, fmt.Errorf("read how far the cluster was published: %w", err)
	}
	return p, e.Revision(), nil
}

// SetProgress replaces it. revision is that of what it replaces; the error is ErrOvertaken when somebody else did.
func (b *Bucket) SetProgress(ctx context.Context, p Progress, revision uint64) (uint64, error) {
	content, err := json.Marshal(p)
	if err != nil {
		return 0, fmt.Errorf("write down how far the cluster was published: %w", err)
	}
	return b.put(ctx, b.prefix+"progress", content, revision, "write down how far the cluster was published")
}
