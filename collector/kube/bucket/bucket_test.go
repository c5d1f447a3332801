package bucket_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

func open(t *testing.T) (*bucket.Bucket, jetstream.JetStream) {
	t.Helper()
	s := jetstreamtest.Start(t)
	nc, err := nats.Connect(s.URL, nats.Secure(s.Identity(pki.Exporter).Client(pki.JetStream)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bucket.Open(t.Context(), js, "c")
	if err != nil {
		t.Fatal(err)
	}
	return b, js
}

// TestAnAnswerThatWasLost: a call whose answer was lost is made again, and finds its own work.
func TestAnAnswerThatWasLost(t *testing.T) {
	b, _ := open(t)
	ctx, first, second := t.Context(), []byte("1"), []byte("2")
	for _, c := range []struct {
		value    []byte
		revision uint64
	}{{first, 0}, {second, 1}} {
		made, err := b.Put(ctx, "pods", "a", c.value, c.revision)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := b.Put(ctx, "pods", "a", c.value, c.revision); err != nil || again != made {
			t.Errorf("%s: revision %d, then %d, %v", c.value, made, again, err)
		}
	}
	if _, err := b.Put(ctx, "pods", "a", first, 1); !errors.Is(err, bucket.ErrOvertaken) {
		t.Errorf("over what another wrote: %v", err)
	}
	if err := b.Forget(ctx, "pods", "a", 1); !errors.Is(err, bucket.ErrOvertaken) {
		t.Errorf("forget what another wrote: %v", err)
	}
	for range 2 {
		if err := b.Forget(ctx, "pods", "a", 2); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.Put(ctx, "pods", "a", first, 0); err != nil {
		t.Error(err)
	}
}

func TestABucketThatIsGone(t *testing.T) {
	b, js := open(t)
	if err := js.DeleteKeyValue(t.Context(), "KUBERNETES"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "pods", "a", nil, 0); !errors.Is(err, bucket.ErrGone) {
		t.Error(err)
	}
	if err := b.Forget(t.Context(), "pods", "a", 1); !errors.Is(err, bucket.ErrGone) {
		t.Error(err)
	}
}
