package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// maxQuestion bounds a question in bytes; the step cuts what is longer.
const maxQuestion = 2000

// limits of questions. One that is open for longer than any answer takes was lost with its workflow, and no longer counts.
func limits() metadata.QuestionLimits {
	return metadata.QuestionLimits{Total: 50, Open: 3, Forgets: 30 * time.Minute}
}

type questionInput struct {
	IDInput
	Body wire.AskQuestion
}

// audit leaves the words out: they are sealed, and the audit log is not.
func (in *questionInput) audit() string {
	return fmt.Sprintf("a question of %d bytes", len(in.Body.Text))
}

// questions are those about an investigation that the caller may see: nobody learns from an answer what they may not look at themselves.
func (s *Server) questions(ctx context.Context, id string) ([]investigation.Question, error) {
	list, err := s.cfg.Metadata.Questions(ctx, id)
	if err != nil {
		return nil, err
	}
	who := caller(ctx)
	return slices.DeleteFunc(list, func(q investigation.Question) bool { return !investigation.Within(q.Namespaces, who.Namespaces) }), nil
}

// evidenceFor keeps the evidence that was gathered for some questions.
func evidenceFor(questions []investigation.Question, gathered []investigation.Evidence) []investigation.Evidence {
	return slices.DeleteFunc(gathered, func(e investigation.Evidence) bool {
		return !slices.ContainsFunc(questions, func(q investigation.Question) bool { return q.Number == e.Question })
	})
}

func (s *Server) listQuestions(ctx context.Context, _ auth.Caller, in *IDInput) (wire.QuestionList, error) {
	if _, err := s.cfg.Metadata.Revision(ctx, in.ID); err != nil {
		return wire.QuestionList{}, missing(err, in.ID)
	}
	list, err := s.questions(ctx, in.ID)
	if err != nil {
		return wire.QuestionList{}, err
	}
	names, err := s.cfg.Metadata.Pseudonyms(ctx, in.ID)
	if err != nil {
		return wire.QuestionList{}, err
	}
	return wire.QuestionList{Questions: list}, readQuestions(names, list)
}

// askQuestion stores a question and starts the workflow that answers it. The same request again does nothing new.
func (s *Server) askQuestion(ctx context.Context, who auth.Caller, in *questionInput) (investigation.Question, error) {
	text := strings.TrimSpace(in.Body.Text)
	if text == "" || len(text) > maxQuestion {
		return investigation.Question{}, refuse(errInvalid, fmt.Sprintf("a question has 1 to %d bytes; this one has %d", maxQuestion, len(text)))
	}
	if err := s.askable(ctx, in.ID); err != nil {
		return investigation.Question{}, err
	}
	request := in.Body.Request
	if request == "" {
		request = uuid.NewString()
	}
	db := s.cfg.Metadata
	budget, err := s.questionBudget(ctx, in.ID)
	if err != nil {
		return investigation.Question{}, err
	}
	q, added, err := db.AddQuestion(ctx, investigation.Question{
		ID: workflows.QuestionID(in.ID, request), Investigation: in.ID, Text: text, Asker: who.Subject, Namespaces: who.Namespaces,
		Budget: budget, Status: investigation.QuestionAsked, AskedAt: time.Now().UTC(),
	}, limits())
	if err != nil {
		return investigation.Question{}, unaskable(err, in.ID)
	}
	if q.Status == investigation.QuestionAsked {
		if err := starter.Ask(ctx, s.cfg.Temporal, s.cfg.Environment, q); err != nil {
			if added {
				err = errors.Join(err, db.DropQuestion(context.WithoutCancel(ctx), q.ID))
			}
			s.cfg.Log.WarnContext(ctx, "start question", "question", q.ID, "error", err)
			return investigation.Question{}, refuse(errBusy, "the question could not be put: the workflow engine does not answer; ask again")
		}
	}
	names, err := db.Pseudonyms(ctx, in.ID)
	if err != nil {
		return investigation.Question{}, err
	}
	return readable(names, q)
}

// questionBudget is what the next question about an investigation may take, after what others took or still may.
func (s *Server) questionBudget(ctx context.Context, id string) (investigation.Budget, error) {
	asked, err := s.cfg.Metadata.Questions(ctx, id)
	if err != nil {
		return investigation.Budget{}, err
	}
	var tokens, cost int64
	for _, q := range asked {
		if q.Status == investigation.QuestionAsked && time.Since(q.AskedAt) < limits().Forgets {
			tokens, cost = tokens+q.Budget.Tokens, cost+q.Budget.Cost
			continue
		}
		usage, spent, err := s.cfg.Metadata.Spent(ctx, llm.Call{Investigation: id, Turn: investigation.QuestionTurn(q.Number, 1)})
		if err != nil {
			return investigation.Budget{}, err
		}
		tokens, cost = tokens+usage.Input+usage.Output+usage.CacheRead+usage.CacheWrite, cost+spent
	}
	return s.cfg.Policy.QuestionBudget(tokens, cost), nil
}

// askable tells whether questions may be asked about an investigation.
func (s *Server) askable(ctx context.Context, id string) error {
	inv, err := s.cfg.Metadata.Investigation(ctx, id)
	if err != nil {
		return missing(err, id)
	}
	if inv.Request.Environment != s.cfg.Environment {
		return refuse(errConflict, "the investigation belongs to another environment")
	}
	return nil
}

// missing says that an investigation is not there, if that is what err means.
func missing(err error, id string) error {
	if errors.Is(err, metadata.ErrNotFound) {
		return refuse(metadata.ErrNotFound, "there is no investigation "+id+", or it was deleted")
	}
	return err
}

// unaskable says why a question was not stored.
func unaskable(err error, id string) error {
	switch {
	case errors.Is(err, metadata.ErrTooMany):
		_, why, _ := strings.Cut(err.Error(), metadata.ErrTooMany.Error()+": ")
		return refuse(errTooMany, why)
	case errors.Is(err, metadata.ErrChanged):
		return refuse(errConflict, "this request asked something else before, or is somebody else's")
	}
	return missing(err, id)
}

type questionID struct {
	IDInput
	Question string `path:"qid" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]*$" maxLength:"200"`
}

// cancelQuestion ends the search for an answer. What was gathered stays.
func (s *Server) cancelQuestion(ctx context.Context, who auth.Caller, in *questionID) (wire.Cancelled, error) {
	q, err := s.cfg.Metadata.Question(ctx, in.Question)
	if err == nil && (q.Investigation != in.ID || !investigation.Within(q.Namespaces, who.Namespaces)) {
		err = metadata.ErrNotFound
	}
	if errors.Is(err, metadata.ErrNotFound) {
		return wire.Cancelled{}, refuse(metadata.ErrNotFound, fmt.Sprintf("%s has no question %s", in.ID, in.Question))
	}
	if err != nil {
		return wire.Cancelled{}, err
	}
	if q.Status != investigation.QuestionAsked {
		return wire.Cancelled{}, refuse(errConflict, "the question has ended: it is "+q.Status)
	}
	workflow := workflows.QuestionWorkflowID(s.cfg.Environment, q.ID)
	err = s.cfg.Temporal.CancelWorkflow(ctx, workflow, "")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) { // it never began, or was lost: nobody else will write that it has ended
		err = s.cfg.Metadata.UpdateQuestion(ctx, q.ID, func(q *investigation.Question) {
			q.Status, q.Failure = investigation.QuestionCancelled, "cancelled"
		})
	}
	if err != nil {
		return wire.Cancelled{}, fmt.Errorf("cancel %s: %w", workflow, err)
	}
	return wire.Cancelled{Investigation: in.ID, Workflow: workflow}, nil
}
