package rulewatch

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/internal/rules"
)

// conditionEvaluated says what became of an AlertRule when a worker evaluated it last.
const conditionEvaluated = "Evaluated"

const (
	askEvery = 10 * time.Second // how often the ingester is asked what became of the alert rules
	askWait  = 5 * time.Second
	staleAge = 2 * time.Minute // what was evaluated longer ago says nothing of now
)

// States asks an ingester what became of the alert rules: workers, which evaluate them, do not reach the API server.
type States struct{ conn *grpc.ClientConn }

// DialStates does not connect yet.
func DialStates(address string, conf *tls.Config) (*States, error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(conf)))
	if err != nil {
		return nil, fmt.Errorf("dial ingester at %s: %w", address, err)
	}
	return &States{conn}, nil
}

// Ask returns what the workers told last.
func (s *States) Ask(ctx context.Context) (all rules.States, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var answer wrapperspb.BytesValue
	if err := s.conn.Invoke(ctx, "/"+rules.StatesService+"/"+rules.StatesMethod, &emptypb.Empty{}, &answer); err != nil {
		return all, fmt.Errorf("ask the ingester what became of the alert rules: %w", err)
	}
	if err := json.Unmarshal(answer.GetValue(), &all); err != nil {
		return all, fmt.Errorf("read what became of the alert rules: %w", err)
	}
	return all, nil
}

// ask keeps what became of the alert rules. Of what cannot be asked nothing is told but what is known, until it is stale.
func (w *Watcher) ask(ctx context.Context) {
	if w.cfg.States == nil || time.Since(w.asked) < askEvery {
		return
	}
	w.asked = time.Now()
	all, err := w.cfg.States(ctx)
	if err != nil {
		if ctx.Err() == nil && w.unasked == "" {
			w.cfg.Log.Warn("what became of the alert rules is not known; asking again", "error", err)
		}
		w.unasked = err.Error()
		return
	}
	w.states, w.unasked = &all, ""
}

// evaluated is what is told of an AlertRule; ok is false if nothing is known of any.
func (w *Watcher) evaluated(v verdict, now time.Time) (c metav1.Condition, ok bool) {
	if v.kind.resource.Kind != rules.AlertKind || w.states == nil {
		return c, false
	}
	m := v.object.Metadata
	state, known := w.states.Of(m.Namespace + "/" + m.Name)
	var status metav1.ConditionStatus
	var reason, message string
	stale := now.Sub(w.states.At) > staleAge
	switch {
	case stale && w.unasked != "":
		status, reason, message = metav1.ConditionUnknown, "NotEvaluated", "the ingester does not answer what became of it"
	case stale:
		status, reason, message = metav1.ConditionUnknown, "NotEvaluated", "no worker evaluates alert rules"
	case !known && w.states.Error != "":
		status, reason, message = metav1.ConditionUnknown, "NotEvaluated", w.states.Error
	case !known:
		status, reason, message = metav1.ConditionUnknown, "NotEvaluated", "no worker has evaluated it yet"
	default:
		status, reason, message = shown(state)
	}
	return condition(v.object, conditionEvaluated, status, reason, message, now), true
}

// shown is a state as the condition's status, reason and message.
func shown(s rules.State) (status metav1.ConditionStatus, reason, message string) {
	switch s.Reason() {
	case rules.ReasonFailed:
		return metav1.ConditionFalse, "Failed", s.Error
	case rules.ReasonRaised:
		return metav1.ConditionTrue, "Raised", "it holds, and is raised"
	case rules.ReasonWaiting:
		return metav1.ConditionTrue, "Waiting", "it holds, and not yet for as long as it has to"
	case rules.ReasonNoData:
		return metav1.ConditionTrue, "NoData", "nothing of what it reads was measured lately: are its metrics named as list_metrics has them?"
	}
	return metav1.ConditionTrue, "Quiet", "it holds for nothing"
}
