package workers_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// TestReplayNoticesAnotherOrder: where code would do two things in another order than a history tells, replaying fails. Here it is the
// history that is changed, which is the same to a replay: two activities that follow each other change places.
func TestReplayNoticesAnotherOrder(t *testing.T) {
	silent := log.NewStructuredLogger(slog.New(slog.DiscardHandler)) // the errors are wanted
	for _, file := range recordings(t) {
		t.Run(strings.TrimPrefix(file, histories+"/"), func(t *testing.T) {
			if one, _ := exchanged(history(t, file), 1); one == "" {
				t.Skip("no two activities of it follow each other")
			}
			for n := 1; ; n++ {
				h := history(t, file)
				one, other := exchanged(h, n)
				if one == "" {
					return
				}
				if err := replayer().ReplayWorkflowHistory(silent, h); err == nil {
					t.Errorf("%s before %s in place of %s before %s: not noticed", other, one, one, other)
				}
			}
		})
	}
}

func history(t *testing.T, file string) *historypb.History {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// exchanged lets the n-th pair of different activities that follow each other change places, and says which they are; "" when there are not
// so many. What a history ends with while its workflow goes on is compared with nothing.
func exchanged(h *historypb.History, n int) (one, other string) {
	var before *historypb.ActivityTaskScheduledEventAttributes
	events := h.GetEvents()
	for len(events) > 0 && events[len(events)-1].GetWorkflowTaskCompletedEventAttributes() == nil {
		events = events[:len(events)-1]
	}
	for _, e := range events {
		now := e.GetActivityTaskScheduledEventAttributes()
		if now == nil {
			continue
		}
		if before != nil && before.GetActivityType().GetName() != now.GetActivityType().GetName() {
			if n--; n == 0 {
				before.ActivityType, now.ActivityType = now.ActivityType, before.ActivityType
				return now.GetActivityType().GetName(), before.GetActivityType().GetName()
			}
		}
		before = now
	}
	return "", ""
}
