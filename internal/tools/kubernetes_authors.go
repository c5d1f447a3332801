package tools

import (
	"context"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// authorsSQL tells for each object who changed it between two moments: since when, whether more than what controllers note of it, and at which paths only
// what is masked differs. It reads the differences as the exporter told them, no object.
const authorsSQL = `
SELECT uid, author AS actor, toBool(max(asked)) AS wrote, if(wrote, maxIf(time, asked), max(time)) AS since, arrayDistinct(arrayFlatten(groupArray(hidden))) AS masked
FROM (
    SELECT uid, toString(actor) AS author, time,
           arrayMap(d -> (JSONExtractString(d, 'path'), JSONExtractRaw(d, 'before') = JSONExtractRaw(d, 'after') AND NOT endsWith(JSONExtractString(d, 'after'), '…')),
               JSONExtractArrayRaw(diff)) AS places,
           arrayExists(p -> p.1 != '…' AND NOT arrayExists(b -> p.1 = b OR startsWith(p.1, concat(b, '/')), {bookkeeping:Array(String)}), places) AS asked,
           arrayMap(p -> p.1, arrayFilter(p -> p.2 AND p.1 != '…', places)) AS hidden
    FROM k8s_objects
    WHERE ` + objectOfDiff + ` AND ` + objectInWindow + ` AND time > {before:DateTime64(9,'UTC')} AND action = '` + telemetry.ObjectModified + `' AND has({uids:Array(String)}, uid))
GROUP BY uid, author ORDER BY since DESC, author`

// authorRow is one who changed an object.
type authorRow struct {
	UID    string    `ch:"uid"`
	Actor  string    `ch:"actor"`
	Wrote  bool      `ch:"wrote"` // more than bookkeeping
	Since  time.Time `ch:"since"` // the last time
	Masked []string  `ch:"masked"`
}

// authors reads them, those who changed something last first.
func (r reader) authors(ctx context.Context, params []param, moved []movedRow) ([]authorRow, error) {
	uids := []string{}
	for _, m := range moved {
		if m.Was != "" && m.Is != "" {
			uids = append(uids, m.UID)
		}
	}
	if len(uids) == 0 {
		return nil, nil
	}
	rows, _, err := query[authorRow](ctx, r.db, authorsSQL, append(params, param{"uids", uids}, param{"bookkeeping", kubernetes.Bookkeeping()}))
	return rows, err
}

// authorship is what became of one object between two moments.
type authorship struct {
	actors []string  // who changed more than bookkeeping; if nobody did, who changed that last
	wrote  bool      // somebody did
	since  time.Time // of the last such change
	masked []string  // paths at which only what is masked differs
}

func authorshipOf(rows []authorRow, uid string) (a authorship) {
	mine := []authorRow{}
	for _, row := range rows {
		if row.UID == uid {
			mine, a.masked = append(mine, row), append(a.masked, row.Masked...)
		}
	}
	wrote := slices.DeleteFunc(slices.Clone(mine), func(row authorRow) bool { return !row.Wrote })
	a.wrote = len(wrote) > 0
	if !a.wrote {
		wrote = mine[:min(len(mine), 1)]
	}
	for _, row := range wrote {
		if a.since.IsZero() {
			a.since = row.Since
		}
		if row.Actor != "" {
			a.actors = append(a.actors, row.Actor)
		}
	}
	return a
}
