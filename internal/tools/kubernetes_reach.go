package tools

import (
	"context"
	"time"

	"github.com/midwatch/midwatch/internal/tools/result"
)

// watchedSQL finds when the watching of a cluster began, or what is left of it: each has namespaces and nodes, and few versions of them.
const watchedSQL = `SELECT min(observed_time) AS since FROM k8s_objects WHERE environment = {environment:String} AND kind IN ('Namespace', 'Node') HAVING count() > 0`

// reach tells of a question that asks about a moment before the cluster was watched.
func (r reader) reach(ctx context.Context, scope Scope, moment time.Time) (result.Reach, error) {
	rows, _, err := query[struct {
		Since time.Time `ch:"since"`
	}](ctx, r.db, watchedSQL, []param{{"environment", scope.Environment}})
	if err != nil || len(rows) == 0 || !moment.Before(rows[0].Since) {
		return result.Reach{}, err
	}
	return result.Reach{WatchedSince: rows[0].Since.UTC()}, nil
}

// reservation is what a summary adds when its question reaches back too far.
func reservation(r result.Reach) string {
	if r.WatchedSince.IsZero() {
		return ""
	}
	return "; watched since " + r.WatchedSince.Format("2006-01-02 15:04:05") + " UTC, nothing is known of before but what had not changed until then"
}
