package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// partition is what is dropped as a whole.
type partition struct {
	database, table, id string
	day                 time.Time // its last day
	rows, bytes         uint64
}

func (p partition) dropped(reason string) Dropped {
	return Dropped{Database: p.database, Table: p.name(), Day: p.day, Rows: p.rows, Bytes: p.bytes, Reason: reason}
}

// name is the table's in the migrations.
func (p partition) name() string { return strings.TrimSuffix(p.table, localSuffix) }

// same says whether another server's partition is of the same table and days.
func (p partition) same(q partition) bool {
	return p.database == q.database && p.table == q.table && p.id == q.id
}

// names is a table of names, and a day.
type names struct {
	day   time.Time
	table string
}

// names says where a partition's rows have their names from; its table is empty where they have none but their own.
func (p partition) names() names {
	n := names{day: p.day}
	if signal := SignalOf(p.table); p.hasNames() {
		return n
	} else if strings.HasPrefix(signal, "metrics") {
		n.table = metricSeries
	} else if signal == "profiles" {
		n.table = profileStacks
	}
	return n
}

func (p partition) hasNames() bool { return p.name() == metricSeries || p.name() == profileStacks }

// sortOldest puts the oldest first, and of a day the largest, so that little goes when little has to; names after what has them, a month after its days.
func sortOldest(all []partition) {
	rank := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b partition) int {
		return cmp.Or(a.day.Compare(b.day), cmp.Compare(len(b.id), len(a.id)), cmp.Compare(rank(a.hasNames()), rank(b.hasNames())), cmp.Compare(b.bytes, a.bytes))
	})
}

// systemDatabase is where ClickHouse keeps logs of itself.
const systemDatabase = "system"

// partitions lists what may be dropped: the days of our own tables and, where an operator says how long those are kept, days
// and months of the logs that ClickHouse keeps of itself; others use them, too, and a user may lack the right. The oldest first. Tables that a migration has
// set aside (NAME_1) are left to it.
func (db *DB) partitions(ctx context.Context) ([]partition, error) {
	_, system := db.cfg.Retention.Days["system"]
	rows, err := db.Query(ctx, `SELECT database, table, partition_id, sum(rows), sum(bytes_on_disk)
		FROM system.parts WHERE active AND (database = currentDatabase() AND match(partition_id, '^[0-9]{8}$') AND NOT endsWith(table, '_1')
			OR ? AND database = 'system' AND match(table, '_log(_[0-9]+)?$') AND match(partition_id, '^[0-9]{6}([0-9]{2})?$'))
		GROUP BY database, table, partition_id HAVING sum(rows) > 0`, system)
	if err != nil {
		return nil, fmt.Errorf("look for partitions: %w", err)
	}
	defer rows.Close()
	var all []partition
	for rows.Next() {
		var p partition
		if err := rows.Scan(&p.database, &p.table, &p.id, &p.rows, &p.bytes); err != nil {
			return nil, fmt.Errorf("look for partitions: %w", err)
		}
		if p.day, err = lastDay(p.id); err != nil {
			continue // eight digits that are no day
		}
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for partitions: %w", err)
	}
	sortOldest(all)
	return all, nil
}

// lastDay is the last day of a partition called YYYYMMDD or YYYYMM.
func lastDay(id string) (time.Time, error) {
	if len(id) == len("200601") {
		month, err := time.Parse("200601", id)
		return month.AddDate(0, 1, -1), err
	}
	return time.Parse("20060102", id)
}

// metricSeries is what metrics of every resolution have their names from, so it stays as long as the longest of them.
const metricSeries = "metric_series"

// profileStacks is what samples of profiles have their functions from.
const profileStacks = "profile_stacks"

// Signals are what can be kept for different times: SignalOf names one of them for each table.
var Signals = []string{
	"spans", "logs", "events", "kubernetes", "metrics", "metrics_1m", "metrics_10m", "profiles", "rollups", "dead_letters", "system",
}

// SignalOf is the signal that a table's rows belong to.
func SignalOf(table string) string {
	table = strings.TrimSuffix(table, localSuffix)
	switch {
	case strings.HasSuffix(strings.TrimRight(table, "_0123456789"), "_log"):
		return "system"
	case strings.HasPrefix(table, "k8s_"):
		return "kubernetes"
	case strings.HasPrefix(table, "profile"):
		return "profiles"
	case table == metricSeries:
		return metricSeries
	case table == "metric_ten_minutes":
		return "metrics_10m"
	case table == "metric_minutes":
		return "metrics_1m"
	case strings.HasPrefix(table, "metric"), strings.HasSuffix(table, "histograms"), table == "exemplars", table == "summaries":
		return "metrics"
	case strings.HasSuffix(table, "_minutes"):
		return "rollups"
	}
	return table
}
