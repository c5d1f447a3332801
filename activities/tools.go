package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/recorded"
	"github.com/midwatch/midwatch/workflows"
)

// maxResult bounds one structured result in bytes; a step gets at most four of that size.
const maxResult = 2 << 20

// controlSuffix marks the call that asked a piece of evidence's question about the healthy time.
const controlSuffix = "/control"

// healthyTime begins the summary of such a call's evidence.
const healthyTime = "Healthy time: "

// EvidenceStore is what Tools needs of the metadata store.
type EvidenceStore interface {
	Investigation(ctx context.Context, id string) (metadata.Investigation, error)
	PutEvidence(ctx context.Context, e investigation.Evidence) (investigation.Evidence, error)
	Evidence(ctx context.Context, investigationID, id string) (investigation.Evidence, error)
	EvidenceList(ctx context.Context, investigationID string) ([]investigation.Evidence, error)
	NumberedQuestion(ctx context.Context, investigationID string, number int) (investigation.Question, error)
}

var _ EvidenceStore = (*metadata.DB)(nil)

// Tools runs the tools of the registry. Every result becomes evidence.
type Tools struct {
	Registry *tools.Registry
	DB       EvidenceStore
}

// Call runs a tool call of a stored turn. The activity's own name must be the tool's.
func (a *Tools) Call(ctx context.Context, in workflows.CallInput) (workflows.EvidenceRef, error) {
	defer alive(ctx)()
	inv, err := a.DB.Investigation(ctx, in.Investigation)
	if err != nil {
		return workflows.EvidenceRef{}, final(err)
	}
	turns, scope, err := a.asker(ctx, inv, in.Turn)
	if err != nil {
		return workflows.EvidenceRef{}, err
	}
	call, err := callOf(turns, in)
	if err != nil {
		return workflows.EvidenceRef{}, refused(err)
	}
	if name := activity.GetInfo(ctx).ActivityType.Name; call.Tool != name {
		return workflows.EvidenceRef{}, refused(fmt.Errorf("call %s is of tool %s, not %s", call.ID, call.Tool, name))
	}
	e, err := a.run(ctx, inv.Request, scope, call)
	if err != nil {
		return workflows.EvidenceRef{}, err
	}
	e.Question = investigation.QuestionOf(in.Turn)
	return a.keep(ctx, e)
}

// scopeOf is where whoever asked for an investigation may look.
func scopeOf(r investigation.Request) tools.Scope {
	return tools.Scope{Environment: r.Environment, Namespaces: r.Namespaces}
}

// asker returns the turns among which a turn's call is, and within what its asker may look: for a question never further than the
// person who asked it.
func (a *Tools) asker(ctx context.Context, inv metadata.Investigation, turn int) ([]investigation.Turn, tools.Scope, error) {
	scope := scopeOf(inv.Request)
	number := investigation.QuestionOf(turn)
	if number == 0 {
		return inv.Turns, scope, nil
	}
	q, err := a.DB.NumberedQuestion(ctx, inv.Request.ID, number)
	scope.Namespaces = q.Namespaces
	return q.Turns, scope, final(err)
}

// Control asks the question of a piece of evidence about the healthy window. It stores nothing when the question has no
// healthy counterpart, and fails when there is one that could not be had.
func (a *Tools) Control(ctx context.Context, in workflows.ControlInput) (workflows.EvidenceRef, error) {
	defer alive(ctx)()
	inv, err := a.DB.Investigation(ctx, in.Investigation)
	if err != nil {
		return workflows.EvidenceRef{}, final(err)
	}
	e, err := a.DB.Evidence(ctx, in.Investigation, in.Evidence)
	if err != nil {
		return workflows.EvidenceRef{}, final(err)
	}
	tool, err := a.Registry.Get(e.Tool)
	if err != nil {
		return workflows.EvidenceRef{}, refused(err)
	}
	if tool.Control == nil || e.Error != "" {
		return workflows.EvidenceRef{}, nil
	}
	arguments, ok := tool.Control(e.Arguments, inv.Request.Healthy)
	if !ok {
		return workflows.EvidenceRef{}, nil
	}
	c, err := a.run(ctx, inv.Request, scopeOf(inv.Request), investigation.ToolCall{ID: e.Call + controlSuffix, Tool: e.Tool, Arguments: arguments})
	if err != nil {
		return workflows.EvidenceRef{}, err
	}
	if c.Error != "" {
		return workflows.EvidenceRef{}, refused(errors.New(c.Error))
	}
	c.Summary = healthyTime + c.Summary
	return a.keep(ctx, c)
}

// run asks a tool. Arguments that do not fit, and the failure of the last attempt, are evidence, too: the analyst must know
// that a question has no answer.
func (a *Tools) run(ctx context.Context, req investigation.Request, scope tools.Scope, call investigation.ToolCall) (investigation.Evidence, error) {
	e := investigation.Evidence{
		Investigation: req.ID, Call: call.ID, Tool: call.Tool, Arguments: call.Arguments, At: time.Now().UTC(),
	}
	registry, err := a.registry(ctx, req)
	if err != nil {
		return e, err
	}
	tool, err := registry.Get(call.Tool)
	if err != nil {
		return e, refused(err)
	}
	e.DataTypes = tool.DataTypes
	result, err := tool.Run(ctx, scope, call.Arguments)
	if err == nil {
		e.Window, e.Query, e.Summary = result.Window, result.Query, result.Summary
		e.Result, err = encode(result.Data)
	}
	if err != nil {
		again := !errors.Is(err, tools.ErrArguments) && !errors.Is(err, tools.ErrNoAnswer) && !errors.Is(err, errTooLarge)
		info := activity.GetInfo(ctx)
		wait := errors.Is(err, tools.ErrAway) && time.Since(info.ScheduledTime) < workflows.StoreAway
		if again && (wait || info.Attempt < workflows.ToolAttempts) {
			return e, fmt.Errorf("run tool %s: %w", call.Tool, err)
		}
		e.Error, e.Result, e.Summary = err.Error(), nil, "No answer: "+err.Error()
	}
	e.Digest = digest(e.Tool, e.Arguments, e.Result)
	return e, nil
}

// registry is what answers an investigation's calls: the tools, or for a replay what they answered then.
func (a *Tools) registry(ctx context.Context, req investigation.Request) (*tools.Registry, error) {
	if req.Replays == "" {
		return a.Registry, nil
	}
	evidence, err := a.DB.EvidenceList(ctx, req.Replays)
	if err != nil {
		return nil, err
	}
	var answers []recorded.Answer
	for _, e := range evidence {
		answers = append(answers, recorded.Answer{
			Tool: e.Tool, Arguments: e.Arguments, Window: e.Window, Query: e.Query, Summary: strings.TrimPrefix(e.Summary, healthyTime),
			Result: e.Result, Error: e.Error,
		})
	}
	return recorded.Registry(a.Registry, recorded.Config{Answers: answers}), nil
}

var errTooLarge = errors.New("the result is too large; ask for less")

func encode(data any) (json.RawMessage, error) {
	b, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	if len(b) > maxResult {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errTooLarge, len(b), maxResult)
	}
	return b, nil
}

func (a *Tools) keep(ctx context.Context, e investigation.Evidence) (workflows.EvidenceRef, error) {
	stored, err := a.DB.PutEvidence(ctx, e)
	if err != nil {
		return workflows.EvidenceRef{}, err
	}
	return workflows.EvidenceRef{ID: stored.ID, Summary: stored.Summary, Error: stored.Error}, nil
}

func callOf(turns []investigation.Turn, in workflows.CallInput) (investigation.ToolCall, error) {
	for _, t := range turns {
		if t.Number != in.Turn {
			continue
		}
		for _, c := range t.Calls {
			if c.ID == in.Call {
				return c, nil
			}
		}
	}
	return investigation.ToolCall{}, fmt.Errorf("turn %d of %s has no call %s", in.Turn, in.Investigation, in.Call)
}

// digest is the hex SHA-256 over its parts, each ended by a zero byte, which JSON and names do not contain.
func digest(tool string, parts ...json.RawMessage) string {
	h := sha256.New()
	h.Write([]byte(tool + "\x00"))
	for _, p := range parts {
		h.Write(append(slices.Clone(p), 0))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// IsControl tells evidence about the healthy time from what the analyst asked for.
func IsControl(e investigation.Evidence) bool { return strings.HasSuffix(e.Call, controlSuffix) }
