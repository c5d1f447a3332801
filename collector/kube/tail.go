package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// tail is what predecessors wrote to the cluster's subject after what the bucket has: a process that was killed had no time to keep it. After one that was
// killed in its first list that is every object of the cluster, which is why they are packed.
type tail struct {
	codec *bucket.Codec
	after uint64                       // sequence up to which the bucket has everything
	ids   map[string]bool              // of entries
	ends  map[string]map[string]*known // :: kind and group of all that was told → uid → what was told last, nil that it is gone
}

// notesKind is what the tail has Events under: that there are some, no more.
const notesKind = "Event."

const tailWait = 5 * time.Second // for one message of the tail

// readTail reads the cluster's subject from what the bucket has on, and sets where the journal goes on.
func (j *journal) readTail(ctx context.Context, codec *bucket.Codec, after uint64) (*tail, error) {
	t := &tail{codec: codec, after: after, ids: map[string]bool{}, ends: map[string]map[string]*known{}}
	last, _, err := lastOf(ctx, j.js, j.subject)
	if err != nil {
		return nil, err
	}
	j.last.Store(last)
	j.told = t.ids
	if last <= after {
		return t, nil
	}
	stream, err := j.js.Stream(ctx, telemetry.StreamName)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", telemetry.StreamName, err)
	}
	for next := after + 1; next <= last; {
		m, err := nextOf(ctx, stream, j.subject, next)
		if errors.Is(err, jetstream.ErrMsgNotFound) { // retention took the rest meanwhile
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read what was published of the cluster: %w", err)
		}
		if err := t.add(j, m); err != nil {
			j.log.Warn("skip a message of an earlier exporter", "sequence", m.Sequence, "error", err)
		}
		next = m.Sequence + 1
	}
	return t, nil
}

// nextOf reads the first message of a subject from a sequence on.
func nextOf(ctx context.Context, stream jetstream.Stream, subject string, from uint64) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, tailWait)
	defer cancel()
	return stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(subject))
}

func (t *tail) add(j *journal, m *jetstream.RawStreamMsg) error {
	b, err := j.codec.Open(m.Subject, m.Header, m.Data)
	if err != nil {
		return err
	}
	logs, err := new(plog.ProtoUnmarshaler).UnmarshalLogs(b.OTLP)
	if err != nil {
		return fmt.Errorf("decode log records: %w", err)
	}
	var tags map[string]object.Tags
	if h := m.Header.Get(headerTags); h != "" {
		raw, err := base64.StdEncoding.DecodeString(h)
		if err == nil {
			err = json.Unmarshal(raw, &tags)
		}
		if err != nil {
			return fmt.Errorf("decode tags: %w", err)
		}
	}
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				err = errors.Join(err, t.record(r, tags))
			}
		}
	}
	return err
}

func (t *tail) record(r plog.LogRecord, tags map[string]object.Tags) error {
	text := func(key string) string {
		if v, ok := r.Attributes().Get(key); ok {
			return v.AsString()
		}
		return ""
	}
	id := text(telemetry.RecordUID)
	if id == "" { // a change that belongs to the version before it
		return nil
	}
	t.ids[id] = true
	of := notesKind
	if r.EventName() == telemetry.EventObject {
		of = kindOf(text(telemetry.K8sObjectKind), text(telemetry.K8sObjectAPIVersion))
	}
	if t.ends[of] == nil {
		t.ends[of] = map[string]*known{}
	}
	if of == notesKind {
		return nil
	}
	uid := text(telemetry.K8sObjectUID)
	if text(telemetry.ObjectAction) == telemetry.ObjectDeleted {
		t.ends[of][uid] = nil
		return nil
	}
	o, err := object.Decode([]byte(r.Body().Str()))
	if err != nil {
		return err
	}
	v := bucket.Version{ResourceVersion: text(telemetry.K8sObjectResourceVersion), At: r.Timestamp().AsTime(), Tags: tags[id], Object: o}
	v.Said = said(v.At, r.ObservedTimestamp().AsTime())
	packed, err := t.codec.Pack(v)
	if err != nil {
		return err
	}
	t.ends[of][uid] = knownAs(v, packed)
	return nil
}

// kindOf names a kind whatever version it is served in.
func kindOf(kind, apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group = ""
	}
	return kind + "." + group
}
