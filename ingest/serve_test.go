package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// silent is a store that never says which series there are.
type silent struct {
	*store.DB
	limit time.Duration // that it was given
}

func (s *silent) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	if query != rememberSQL {
		return s.DB.Query(ctx, query, args...)
	}
	end, ok := ctx.Deadline()
	if !ok {
		return nil, errors.New("it would wait for ever")
	}
	s.limit = time.Until(end)
	return nil, context.DeadlineExceeded
}

// TestEveryRequestOfTheFirstMinuteIsLookedUp however long it takes until the first can come.
func TestEveryRequestOfTheFirstMinuteIsLookedUp(t *testing.T) {
	db := &silent{DB: storetest.Open(t)}
	s := notServing(t, db)
	s.cfg.GRPCListen, s.cfg.HTTPListen = "127.0.0.1:0", "127.0.0.1:0"
	s.cfg.TLS.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("nobody comes") }
	s.fates.serve(time.Now().Add(-time.Hour)) // made long ago
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- s.Run(ctx) }()
	if _, err := s.Addrs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if was, _ := s.fates.begin("id", began.Add(warmUp), false); was.is != unknown {
		t.Error("a request of the first minute is not looked up")
	}
	if was, _ := s.fates.begin("other", time.Now().Add(warmUp), false); was.is != unseen {
		t.Error("a request after the first minute is looked up")
	}
	if db.limit == 0 || db.limit > maxRemembering {
		t.Errorf("the store may take %s to say which series there are", db.limit)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
