package temporaltest_test

import taskqueuepb "go.temporal.io/api/taskqueue/v1"

func queue(name string) *taskqueuepb.TaskQueue { return &taskqueuepb.TaskQueue{Name: name} }
