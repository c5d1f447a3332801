package activities

import (
	"context"
	"errors"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// End marks a question that has no answer, and says why. One that is gone with its investigation needs no mark.
func (a *Answers) End(ctx context.Context, in workflows.EndQuestionInput) error {
	err := a.DB.UpdateQuestion(ctx, in.Question, func(q *investigation.Question) {
		q.Status, q.Failure = in.Status, short(in.Reason)
	})
	if errors.Is(err, metadata.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.DB.Audit(ctx, "midwatch", "question.end", in.Question, in.Status, "")
}
