package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"
)

const (
	// mergePatience is how long a pull request may stay open, deployPatience how long its deployment may take.
	mergePatience  = 14 * 24 * time.Hour
	deployPatience = 7 * 24 * time.Hour
	// What nobody signals is asked for: soon at first, then less and less often, so that weeks fit a history.
	firstLook  = 30 * time.Second
	lastLook   = time.Hour
	lastDeploy = 15 * time.Minute
)

// merge waits until people have merged and deployed a pull request and returns when it was deployed; zero means that they did
// not, and the remediation is over.
func (r *remediation) merge(ctx workflow.Context) (time.Time, error) {
	r.incident(ctx, AwaitingMerge)
	tell(ctx, "Open, waiting for people to merge it: "+r.Fix.Content)
	p, err := r.decided(ctx)
	switch {
	case err != nil:
		return time.Time{}, err
	case p.Closed:
		r.set(ctx, FixClosed, by("The pull request was closed without being merged", p.By))
		return time.Time{}, nil
	case !p.Merged:
		r.set(ctx, FixExpired, fmt.Sprintf("Nobody merged the pull request within %s; it is still open", mergePatience))
		return time.Time{}, nil
	}
	r.set(ctx, FixMerged, by(fmt.Sprintf("Merged as %.12s", p.Commit), p.By))
	r.incident(ctx, AwaitingDeploy)
	at, how, err := r.deployed(ctx, p)
	if err != nil {
		return time.Time{}, err
	}
	if at.IsZero() {
		r.set(ctx, FixExpired, fmt.Sprintf("Merged as %.12s, but no deployment of it was seen within %s", p.Commit, deployPatience))
		return time.Time{}, nil
	}
	tell(ctx, how)
	return at, nil
}

func by(what, who string) string {
	if who == "" {
		return what
	}
	return what + " by " + who
}

// decided asks what became of the pull request: when the webhook says that something did, and else now and then. What the
// webhook says is not believed, so that one that is replayed or forged does no harm.
func (r *remediation) decided(ctx workflow.Context) (PullRequestState, error) {
	wait, began := firstLook, workflow.Now(ctx)
	for workflow.Now(ctx).Sub(began) < mergePatience {
		timed, cancel := workflow.WithCancel(ctx)
		hints := workflow.GetSignalChannel(ctx, MergeSignal)
		workflow.NewSelector(ctx).
			AddReceive(hints, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
			AddFuture(workflow.NewTimer(timed, wait), func(workflow.Future) { wait = min(2*wait, lastLook) }).
			Select(ctx)
		cancel()
		for hints.ReceiveAsync(nil) { // several ask for the same
		}
		if err := ctx.Err(); err != nil {
			return PullRequestState{}, err
		}
		var p PullRequestState
		if err := call(ctx, PullRequestStateActivity, "Is it merged?", r.Fix.ID).Get(ctx, &p); err != nil {
			workflow.GetLogger(ctx).Warn("pull request not seen", "fix", r.Fix.ID, "error", err)
			continue
		}
		if p.Merged || p.Closed {
			return p, nil
		}
	}
	return PullRequestState{}, nil
}

// deployed waits until the service runs a commit that holds the merged one or, where nothing says which commit runs, until it
// is deployed at all.
func (r *remediation) deployed(ctx workflow.Context, p PullRequestState) (at time.Time, how string, err error) {
	var other []string // commits that run and do not hold it
	wait, began := firstLook, workflow.Now(ctx)
	for workflow.Now(ctx).Sub(began) < deployPatience {
		now := workflow.Now(ctx)
		from := p.At
		if from.IsZero() || now.Sub(from) > lastLook {
			from = now.Add(-lastLook)
		}
		var seen []Deployed
		if err := call(ctx, DeployedSinceActivity, "Is it deployed?", DeployedInput{Fix: r.Fix.ID, From: from, To: now}).Get(ctx, &seen); err != nil {
			workflow.GetLogger(ctx).Warn("deployment not seen", "fix", r.Fix.ID, "error", err)
		}
		for _, d := range seen {
			switch {
			case d.Commit == "":
				return d.At, "Deployed after the merge; nothing says which commit runs", nil
			case slices.Contains(other, d.Commit):
			case r.holds(ctx, p.Commit, d.Commit):
				return d.At, fmt.Sprintf("Deployed: %.12s holds %.12s", d.Commit, p.Commit), nil
			default:
				other = append(other, d.Commit)
			}
		}
		if err := workflow.Sleep(ctx, wait); err != nil {
			return at, "", err
		}
		wait = min(2*wait, lastDeploy)
	}
	return at, "", nil
}

// holds tells whether a deployed commit holds the merged one.
func (r *remediation) holds(ctx workflow.Context, merge, deployed string) bool {
	if strings.HasPrefix(merge, deployed) {
		return true
	}
	var yes bool
	input := ContainsInput{Fix: r.Fix.ID, Merge: merge, Deployed: deployed}
	if err := call(ctx, ContainsCommitActivity, fmt.Sprintf("Does %.12s hold the fix?", deployed), input).Get(ctx, &yes); err != nil {
		workflow.GetLogger(ctx).Warn("commits not compared", "fix", r.Fix.ID, "error", err)
	}
	return yes
}
