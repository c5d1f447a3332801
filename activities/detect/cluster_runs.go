package detect

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/kubernetes"
)

// runsSQL are the stored versions of some pods. A pod tells of a container's last run and of no earlier one: those are in the versions before.
const runsSQL = `
SELECT uid, JSONExtractRaw(object, 'status') AS status
FROM k8s_objects
WHERE environment = {environment:String} AND kind = 'Pod' AND has({uids:Array(String)}, uid)
  AND time >= {from:DateTime64(9,'UTC')} AND time <= {now:DateTime64(9,'UTC')}
ORDER BY time DESC LIMIT 5000`

// apart is more than a kubelet lets pass between the end of a run and the next one: its longest back-off is five minutes.
const apart = 6 * time.Minute

// runs are how containers ended.
type runs map[containerKey][]kubernetes.Terminated

type containerKey struct{ uid, container string }

// runs finds the earlier runs of containers whose last one ended soon.
func (d *Detector) runs(ctx context.Context, pods []kubernetes.Pod, now time.Time) (runs, error) {
	from := now.Add(-d.rules.Cluster.Window)
	uids := []string{}
	for _, p := range pods {
		if slices.ContainsFunc(p.Containers(), func(c kubernetes.ContainerStatus) bool {
			return c.RestartCount > 0 && slices.ContainsFunc(ends(c), func(t kubernetes.Terminated) bool { return endedSoon(t) && t.FinishedAt.After(from) })
		}) {
			uids = append(uids, p.Metadata.UID)
		}
	}
	if len(uids) == 0 {
		return nil, nil
	}
	type version struct {
		UID    string `ch:"uid"`
		Status string `ch:"status"`
	}
	versions, err := rows[version](ctx, d, "earlier runs of containers", runsSQL, param{"uids", uids}, param{"from", from}, param{"now", now})
	out := runs{}
	for _, v := range versions {
		var p kubernetes.Pod
		if json.Unmarshal([]byte(v.Status), &p.Status) != nil {
			continue // the ingester stores none such
		}
		for _, c := range p.Containers() {
			key := containerKey{v.UID, c.Name}
			out[key] = append(out[key], ends(c)...)
		}
	}
	return out, err
}

// ends are the ends of runs that a container's status tells of.
func ends(c kubernetes.ContainerStatus) []kubernetes.Terminated {
	var out []kubernetes.Terminated
	for _, t := range []*kubernetes.Terminated{c.State.Terminated, c.LastState.Terminated} {
		if t != nil {
			out = append(out, *t)
		}
	}
	return out
}

// endedSoon says that a run was so short that what ended it is what ended the one before.
func endedSoon(t kubernetes.Terminated) bool { return t.FinishedAt.Sub(t.StartedAt) < soon }

// began is when a container began to fail whose last run ended badly: with the first of the runs that ended soon, one after the other. Which of
// them is judged first is luck: two may end between two looks. Taken for the onset, a later one would make healthy time of the fault's beginning,
// which the fault does not differ from.
func (r runs) began(p kubernetes.Pod, container string, last kubernetes.Terminated) time.Time {
	all := slices.Clone(r[containerKey{p.Metadata.UID, container}])
	slices.SortFunc(all, func(a, b kubernetes.Terminated) int { return b.StartedAt.Compare(a.StartedAt) })
	first := last
	for _, t := range all {
		if !t.StartedAt.Before(first.StartedAt) {
			continue
		}
		if !endedSoon(first) || first.StartedAt.Sub(t.FinishedAt) > apart {
			break
		}
		first = t
	}
	if last.Reason == oomKilled || !endedSoon(first) {
		return first.FinishedAt
	}
	return first.StartedAt
}
