package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/internal/tools"
)

// refusing is a store that answers every query with an error.
type refusing struct{ err error }

func (r refusing) Select(context.Context, any, string, ...any) error { return r.err }

func (r refusing) Read(context.Context, string, map[string]any, map[string]any, proto.Results, func() error) error {
	return r.err
}

// selecting is a connection of the one driver.
type selecting struct {
	driver.Conn
	refusing
}

func (s selecting) Select(ctx context.Context, dest any, query string, args ...any) error {
	return s.Conn.Select(ctx, dest, query, args...)
}

func TestAStoreThatIsAwayIsToldFromOneThatRefuses(t *testing.T) {
	gone, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := gone.Addr().String()
	gone.Close() // nobody listens there any more
	var nobody driver.Conn
	if nobody, err = clickhouse.Open(&clickhouse.Options{Addr: []string{address}, DialTimeout: time.Second}); err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	for name, c := range map[string]struct {
		store tools.Store
		away  bool
	}{
		"nobody listens":      {selecting{Conn: nobody}, true},
		"it refuses":          {refusing{&clickhouse.Exception{Code: 62, Message: "syntax error"}}, false},
		"it takes too long":   {refusing{fmt.Errorf("read: %w", context.DeadlineExceeded)}, false},
		"it has no more room": {refusing{&clickhouse.Exception{Code: 241, Message: "memory limit exceeded"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tool, err := tools.All(c.store).Get("list_services")
			if err != nil {
				t.Fatal(err)
			}
			arguments := json.RawMessage(`{"from":"2026-03-01T01:00:00Z","to":"2026-03-01T02:00:00Z"}`)
			if _, err = tool.Run(t.Context(), tools.Scope{Environment: "test"}, arguments); err == nil || errors.Is(err, tools.ErrAway) != c.away {
				t.Errorf("got %v, away should be %t", err, c.away)
			}
		})
	}
}
