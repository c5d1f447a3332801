package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/midwatch/midwatch/workflows"
)

// spent is how long things of one kind took: waited for a worker, and were worked on.
type spent struct{ waited, worked []time.Duration }

// account is where the time of investigations went, by kind of activity; workflow tasks are one more kind.
type account map[string]*spent

// workflowTask is the kind of a workflow's own decisions.
const workflowTask = "(workflow task)"

func (a account) add(kind string, scheduled, started, ended time.Time) {
	if a[kind] == nil {
		a[kind] = &spent{}
	}
	a[kind].waited, a[kind].worked = append(a[kind].waited, started.Sub(scheduled)), append(a[kind].worked, ended.Sub(started))
}

// explain adds what an investigation's history says.
func (in *installation) explain(ctx context.Context, id string, to account) error {
	events := map[int64]*historypb.HistoryEvent{}
	for history := in.temporal.GetWorkflowHistory(ctx, workflows.InvestigationWorkflowID(environment, id), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); history.HasNext(); {
		e, err := history.Next()
		if err != nil {
			return err
		}
		events[e.EventId] = e
		at := func(id int64) time.Time { return events[id].EventTime.AsTime() }
		if done := e.GetActivityTaskCompletedEventAttributes(); done != nil {
			kind := events[done.ScheduledEventId].GetActivityTaskScheduledEventAttributes().ActivityType.Name
			to.add(kind, at(done.ScheduledEventId), at(done.StartedEventId), e.EventTime.AsTime())
		}
		if done := e.GetWorkflowTaskCompletedEventAttributes(); done != nil {
			to.add(workflowTask, at(done.ScheduledEventId), at(done.StartedEventId), e.EventTime.AsTime())
		}
	}
	return nil
}

// write prints medians, in milliseconds.
func (a account) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\ttimes\twaited ms\tworked ms\t")
	for _, kind := range slices.Sorted(maps.Keys(a)) {
		s := a[kind]
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.1f\t\n", kind, len(s.worked), median(s.waited), median(s.worked))
	}
	return t.Flush()
}

func median(ds []time.Duration) float64 {
	slices.Sort(ds)
	return float64(ds[len(ds)/2].Microseconds()) / 1000
}
