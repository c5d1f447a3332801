package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const (
	eventColumns = "time, environment, service, instance, host, event_name, body, attributes, resource_json, batch_id, observed_delay_ns, trace, span, trace_flags"
	theseEvents  = "event_name != '' AND time >= @from AND time < @to"
	ofRequests   = " AND batch_id IN (@ids)"
)

// repairEvents copies log records that are events to where they are looked for, and says of how many requests: those whose events are not as many
// as their records.
func (s *Server) repairEvents(ctx context.Context, from, to time.Time) (repaired int, err error) {
	from, err = s.kept(ctx, from, "events", "logs")
	if err != nil || !from.Before(to) {
		return 0, err
	}
	ids, err := s.wrongEvents(ctx, nil, from, to)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	from, err = s.undropped(ctx, from, "events", "logs")
	if err != nil || !from.Before(to) {
		return 0, err
	}
	for some := range slices.Chunk(ids, 1000) {
		err := s.alone(ctx, func(ctx context.Context) error {
			if err := s.othersDone(ctx, "logs"); err != nil {
				return err
			}
			still, err := s.wrongEvents(ctx, some, from, to)
			if err != nil || len(still) == 0 {
				return err
			}
			whole, err := s.undropped(ctx, from, "events", "logs") // asked last: it knows of what went while they were counted
			if err != nil || !whole.Before(to) {
				return err
			}
			repaired += len(still)
			s.cfg.Log.Info("restoring events after an interrupted insert", "requests", len(still), "from", whole, "to", to)
			return s.restoreEvents(ctx, still, whole, to)
		})
		if err != nil {
			return repaired, err
		}
	}
	return repaired, nil
}

// wrongEvents is the requests, of some or, where none are named, of all, whose events are not as many as their records.
func (s *Server) wrongEvents(ctx context.Context, of []uint64, from, to time.Time) (ids []uint64, err error) {
	which := theseEvents
	if len(of) > 0 {
		which += ofRequests
	}
	counts := func(table string) string {
		return "SELECT batch_id, toInt64(count()) AS n FROM " + table + " WHERE " + which + " GROUP BY batch_id"
	}
	query := "SELECT groupArray(batch_id) FROM (SELECT batch_id FROM (" + counts("logs") + " UNION ALL SELECT batch_id, -n FROM (" + counts("events") + ")) GROUP BY batch_id HAVING sum(n) != 0 AND max(n) > 0)"
	if err := s.cfg.Store.QueryRow(ctx, query, named(of, from, to)...).Scan(&ids); err != nil {
		return nil, fmt.Errorf("compare events with logs: %w", err)
	}
	return ids, nil
}

func (s *Server) restoreEvents(ctx context.Context, ids []uint64, from, to time.Time) error {
	for _, query := range []string{"DELETE FROM events", "INSERT INTO events (" + eventColumns + ") SELECT " + eventColumns + " FROM logs"} {
		if err := s.cfg.Store.Exec(ctx, query+" WHERE "+theseEvents+ofRequests, named(ids, from, to)...); err != nil {
			return fmt.Errorf("restore events: %w", err)
		}
	}
	return nil
}

func named(ids []uint64, from, to time.Time) []any {
	return []any{clickhouse.DateNamed("from", from, clickhouse.Seconds), clickhouse.DateNamed("to", to, clickhouse.Seconds), clickhouse.Named("ids", ids)}
}
