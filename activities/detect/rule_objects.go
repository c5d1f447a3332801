package detect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// ruleObjectsSQL reads the last versions of each AlertRule, the newest first.
const ruleObjectsSQL = `
SELECT uid, namespace, name, action, object
FROM k8s_objects
WHERE environment = {environment:String} AND kind = {kind:String} AND startsWith(api_version, concat({group:String}, '/'))
  AND time >= {from:DateTime64(9,'UTC')} AND time <= {now:DateTime64(9,'UTC')}
ORDER BY time DESC, toUInt64OrZero(resource_version) DESC, action = 'deleted' DESC
LIMIT 5 BY uid LIMIT 2000`

// objectsReach is how far back the last version of an object may be: what is there is said again every day.
const objectsReach = telemetry.SnapshotEvery + time.Hour

type ruleObject struct {
	UID       string `ch:"uid"`
	Namespace string `ch:"namespace"`
	Name      string `ch:"name"`
	Action    string `ch:"action"`
	Object    string `ch:"object"`
}

// alertRules are the configured rules and those of the cluster as they were at now, at most maxRules, and what is wrong with objects that are
// none, by name. With an error there are more.
func (d *Detector) alertRules(ctx context.Context, now time.Time) ([]rules.Alert, map[string]error, error) {
	list := slices.Clone(d.cfg.Alerts)
	found, err := rows[ruleObject](ctx, d, "alert rules of the cluster", ruleObjectsSQL,
		param{"now", now}, param{"from", now.Add(-objectsReach)}, param{"kind", rules.AlertKind}, param{"group", rules.Group})
	valid, invalid := current(found)
	list = append(list, valid...)
	if len(list) > maxRules {
		return list[:maxRules], invalid, fmt.Errorf("there are %d alert rules; the last by name are not evaluated, at most %d are", len(list), maxRules)
	}
	return list, invalid, err
}

// current takes of each object its newest version that is valid, ordered by name. An object whose newest version is its deletion has none,
// and of two objects that had one name the newer counts. Of an object that never had a valid one invalid says what is wrong with the newest.
func current(versions []ruleObject) (valid []rules.Alert, invalid map[string]error) {
	settled, owner := map[string]bool{}, map[string]string{} // :: uid → whether its version was found; rule → uid
	invalid = map[string]error{}
	for _, v := range versions {
		name := v.Namespace + "/" + v.Name
		if owner[name] == "" {
			owner[name] = v.UID
		}
		if settled[v.UID] || owner[name] != v.UID {
			continue
		}
		a, err := rules.AlertOf([]byte(v.Object))
		if v.Action != telemetry.ObjectDeleted && err != nil {
			if invalid[name] == nil {
				invalid[name] = err
			}
			continue // the version before it goes on
		}
		settled[v.UID] = true
		delete(invalid, name)
		if v.Action != telemetry.ObjectDeleted {
			a.Name = name
			valid = append(valid, a)
		}
	}
	slices.SortFunc(valid, func(a, b rules.Alert) int { return cmp.Compare(a.Name, b.Name) })
	return valid, invalid
}
