package workflows_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

const merge = "4d2f0e8c1b7a99d5e6f3a2b1c0d9e8f7a6b5c4d3"

// pullStage is a remediation whose fix is a pull request that is open from the start.
func pullStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.answer(workflows.ApplyFixActivity, func(context.Context, workflows.ApplyInput) (workflows.ApplyResult, error) {
		return workflows.ApplyResult{Status: workflows.FixApplied, Output: "Opened pull request 1", At: start}, nil
	})
	s.answer(workflows.VerifyRecoveryActivity, func(context.Context, workflows.RecoveryInput) (workflows.Recovery, error) {
		return workflows.Recovery{}, nil
	})
	s.answer(workflows.PullRequestStateActivity, func(context.Context, string) (workflows.PullRequestState, error) {
		return workflows.PullRequestState{}, nil
	})
	s.answer(workflows.ContainsCommitActivity, func(_ context.Context, in workflows.ContainsInput) (bool, error) {
		return strings.HasPrefix(in.Deployed, "c0ffee"), nil
	})
	s.answer(workflows.DeployedSinceActivity, func(context.Context, workflows.DeployedInput) ([]workflows.Deployed, error) {
		return nil, nil
	})
	return s
}

func (s *stage) remediate() workflows.RemediationResult {
	s.t.Helper()
	s.withoutIntake()
	fix := workflows.FixRef{ID: "fix-1", Incident: "inc-1", Digest: "d", Target: "service/till", Content: "pull request", PullRequest: true}
	s.RegisterDelayedCallback(func() {
		s.SignalWorkflow(workflows.ApprovalSignal, investigation.Approval{
			Environment: "test", Fix: fix.ID, Incident: fix.Incident, Digest: fix.Digest, Target: fix.Target, Approved: true, Approver: "ann",
		})
	}, time.Second)
	s.ExecuteWorkflow(workflows.Remediation, workflows.RemediationInput{
		Environment: "test", Workflow: "incident/test/1", Fix: fix, Approval: time.Hour, Recovery: time.Minute,
	})
	var out workflows.RemediationResult
	if err := errors.Join(s.GetWorkflowError(), s.GetWorkflowResult(&out)); err != nil {
		s.t.Fatal(err)
	}
	return out
}

func TestPullRequestIsFollowedToItsDeployment(t *testing.T) {
	for name, c := range map[string]struct {
		commit string
		signal bool
		want   string
	}{
		"the commit itself":     {merge[:12], true, workflows.FixVerified},
		"a later commit":        {"c0ffee0", true, workflows.FixVerified},
		"nothing says which":    {"", true, workflows.FixVerified},
		"another commit":        {"badcafe", true, workflows.FixExpired},
		"nobody signals, asked": {merge, false, workflows.FixVerified},
	} {
		t.Run(name, func(t *testing.T) {
			s := pullStage(t)
			merged := workflows.PullRequestState{Merged: true, Commit: merge, By: "bob", At: start.Add(2 * time.Hour)}
			for _, at := range []time.Duration{time.Hour, time.Hour, 2 * time.Hour, 2 * time.Hour} { // the first two are false
				if c.signal {
					s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.MergeSignal, "delivery") }, at)
				}
			}
			var told time.Time
			s.answer(workflows.PullRequestStateActivity, func(context.Context, string) (workflows.PullRequestState, error) {
				if s.Now().Before(merged.At) {
					return workflows.PullRequestState{}, nil
				}
				told = s.Now()
				return merged, nil
			})
			var recovered []time.Time
			s.answer(workflows.VerifyRecoveryActivity, func(_ context.Context, in workflows.RecoveryInput) (workflows.Recovery, error) {
				recovered = append(recovered, in.Since)
				return workflows.Recovery{}, nil
			})
			deployed := start.Add(5 * time.Hour)
			s.answer(workflows.DeployedSinceActivity, func(_ context.Context, in workflows.DeployedInput) ([]workflows.Deployed, error) {
				if in.To.Before(deployed) {
					return nil, nil
				}
				return []workflows.Deployed{{Commit: c.commit, At: deployed}}, nil
			})
			out := s.remediate()
			if out.Status != c.want {
				t.Errorf("%+v, want %s", out, c.want)
			}
			if c.signal && told.Sub(merged.At) > time.Second {
				t.Errorf("the signal was heard after %s", told.Sub(merged.At))
			}
			if c.want == workflows.FixVerified && (len(recovered) == 0 || !recovered[0].Equal(deployed)) {
				t.Errorf("recovery was looked for since %v, want since the deployment", recovered)
			}
			if c.want != workflows.FixVerified && len(recovered) > 0 {
				t.Error("recovery was looked for without a deployment")
			}
		})
	}
}

func TestPullRequestThatIsNotMerged(t *testing.T) {
	s := pullStage(t)
	s.answer(workflows.PullRequestStateActivity, func(context.Context, string) (workflows.PullRequestState, error) {
		return workflows.PullRequestState{Closed: true, By: "bob"}, nil
	})
	if out := s.remediate(); out.Status != workflows.FixClosed || !strings.Contains(out.Summary, "bob") {
		t.Errorf("%+v", out)
	}

	s = pullStage(t)
	if out := s.remediate(); out.Status != workflows.FixExpired || s.count(workflows.VerifyRecoveryActivity) != 0 {
		t.Errorf("left open: %+v", out)
	}
	if n := s.count(workflows.PullRequestStateActivity); n < 100 || n > 1000 {
		t.Errorf("asked %d times in two weeks", n)
	}

	s = pullStage(t)
	s.answer(workflows.PullRequestStateActivity, func(context.Context, string) (workflows.PullRequestState, error) {
		if s.Now().Before(start.Add(30 * time.Hour)) {
			return workflows.PullRequestState{}, errors.New("GitHub is away")
		}
		return workflows.PullRequestState{Closed: true}, nil
	})
	if out := s.remediate(); out.Status != workflows.FixClosed {
		t.Errorf("while GitHub is away: %+v", out)
	}
}
