package main

import (
	"context"
	"fmt"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
)

// activity is an activity of a workflow.
type activity struct{ workflow, name string }

func (a activity) String() string { return a.name + " of " + a.workflow }

// running waits until an activity is under way: a worker has it, and has sent its first heartbeat.
func (s *stack) running(workflow, name string) step { return s.underWay(workflow, name, true) }

// taken is running without the heartbeat: a worker that stands still may have it.
func (s *stack) taken(workflow, name string) step { return s.underWay(workflow, name, false) }

func (s *stack) underWay(workflow, name string, beats bool) step {
	return func(ctx context.Context) error {
		return await(ctx, name+" in "+workflow, func() (bool, error) {
			pending, err := s.pending(ctx, workflow)
			if err != nil {
				return false, err // it may not have begun
			}
			return slices.ContainsFunc(pending, func(p *workflowpb.PendingActivityInfo) bool {
				return p.GetActivityType().GetName() == name && p.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED &&
					(!beats || p.GetLastHeartbeatTime() != nil)
			}), nil
		})
	}
}

func (s *stack) pending(ctx context.Context, workflow string) ([]*workflowpb.PendingActivityInfo, error) {
	d, err := s.temporal.DescribeWorkflowExecution(ctx, workflow, "")
	return d.GetPendingActivities(), err
}

// attempts is the most attempts that an activity of a workflow took, counting a sandboxed step that failed and was run once more.
func (s *stack) attempts(ctx context.Context, of activity) (most int, err error) {
	scheduled := map[int64]string{}
	failed := 0
	events := s.temporal.GetWorkflowHistory(ctx, of.workflow, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return 0, fmt.Errorf("read history of %s: %w", of.workflow, err)
		}
		if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
			scheduled[e.GetEventId()] = a.GetActivityType().GetName()
		}
		if a := e.GetActivityTaskStartedEventAttributes(); a != nil && scheduled[a.GetScheduledEventId()] == of.name {
			most = max(most, int(a.GetAttempt()))
		}
		if a := e.GetActivityTaskFailedEventAttributes(); a != nil && scheduled[a.GetScheduledEventId()] == of.name {
			failed++
		}
	}
	return most + failed, nil
}
