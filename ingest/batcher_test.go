package ingest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midwatch/midwatch/ingest/receive"
)

// TestSendersAreToldToWaitWhileTheStoreIsSlow: what waits for longer than its sender does is done in vain.
func TestSendersAreToldToWaitWhileTheStoreIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow = 8 * time.Second
		b := newBatcher(func(_ context.Context, group []*write) {
			<-time.After(slow)
			for _, w := range group {
				w.end(nil)
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { defer close(stopped); b.run(ctx) }()
		defer func() { stop(); <-stopped }()
		add := func() *write {
			w := &write{ended: func(error) {}, done: make(chan struct{})}
			if err := b.add(w); err != nil {
				t.Fatal(err)
			}
			return w
		}
		if err := b.late(time.Now()); err != nil {
			t.Errorf("nothing waits: %v", err)
		}
		var last *write
		for range maxInserting + 1 { // the last has to wait for a place
			last = add()
			<-time.After(groupOld)
		}
		if err := b.late(time.Now()); err != nil {
			t.Errorf("the store has not had its time: %v", err)
		}
		<-time.After(patience - groupOld)
		if err := b.late(time.Now()); !errors.Is(err, receive.ErrOverload) {
			t.Errorf("the first waits for longer than patience: %v", err)
		}
		<-last.done
		synctest.Wait()
		if err := b.late(time.Now()); err != nil {
			t.Errorf("everything is stored: %v", err)
		}
	})
}
