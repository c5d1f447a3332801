package temporal

import (
	"context"
	"strings"

	taskqueue "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/server/common/authorization"
)

// certificates makes a caller's claims from its certificate, which the TLS layer verified: the common name is the part.
type certificates struct{}

var _ authorization.ClaimMapper = certificates{}

// GetClaims implements authorization.ClaimMapper.
func (certificates) GetClaims(info *authorization.AuthInfo) (*authorization.Claims, error) {
	claims := &authorization.Claims{AuthType: "mtls"}
	if info != nil && info.TLSSubject != nil {
		claims.Subject = info.TLSSubject.CommonName
	}
	return claims, nil
}

// parts says which part may call what. A sandbox, github, model or apply worker that was taken over can answer its own tasks; it cannot
// start, signal or read workflows.
type parts struct{}

var _ authorization.Authorizer = parts{}

// Authorize implements authorization.Authorizer.
func (parts) Authorize(_ context.Context, caller *authorization.Claims, target *authorization.CallTarget) (authorization.Result, error) {
	if authorization.IsHealthCheckAPI(target.APIName) || caller != nil && allowed(caller.Subject, target) {
		return authorization.Result{Decision: authorization.DecisionAllow}, nil
	}
	return authorization.Result{Decision: authorization.DecisionDeny, Reason: "not for this part"}, nil
}

func allowed(part string, target *authorization.CallTarget) bool {
	switch part {
	case partName, "worker", "api", "cli":
		return true
	case "worker-sandbox":
		return activityWorker(target, "sandbox")
	case "worker-apply":
		return activityWorker(target, "apply")
	case "worker-github":
		return activityWorker(target, "github")
	case "worker-model":
		return activityWorker(target, "model")
	}
	return false
}

// activityWorker is what the SDK's worker calls to serve activities of one task queue.
func activityWorker(target *authorization.CallTarget, queue string) bool {
	switch method := target.APIName[strings.LastIndex(target.APIName, "/")+1:]; method {
	case "GetSystemInfo", "DescribeNamespace", "ShutdownWorker", "RecordWorkerHeartbeat",
		"RespondActivityTaskCompleted", "RespondActivityTaskFailed", "RespondActivityTaskCanceled", "RecordActivityTaskHeartbeat":
		return true
	case "PollActivityTaskQueue":
		poll, ok := target.Request.(interface{ GetTaskQueue() *taskqueue.TaskQueue })
		return ok && poll.GetTaskQueue().GetName() == queue
	}
	return false
}
