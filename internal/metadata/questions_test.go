package metadata_test

import (
	"errors"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
)

// few are the limits of these tests.
var few = metadata.QuestionLimits{Total: 3, Open: 2, Forgets: time.Hour}

func question(id, text string, askedAt time.Time) investigation.Question {
	return investigation.Question{
		ID: id, Investigation: "inv-q", Text: text, Asker: "ann", Namespaces: []string{"shop"}, Status: investigation.QuestionAsked,
		AskedAt: askedAt.UTC().Truncate(time.Microsecond),
	}
}

func testQuestions(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	first := question("ask-1", "why?", at)
	_, _, err := db.AddQuestion(ctx, first, few)
	is(t, err, metadata.ErrNotFound)
	must(t, db.CreateInvestigation(ctx, investigation.Request{ID: "inv-q"}))
	equal(t, []investigation.Question{}, get(db.Questions(ctx, "inv-q"))(t))
	before := get(db.Revision(ctx, "inv-q"))(t)

	stored, added, err := db.AddQuestion(ctx, first, few)
	must(t, err)
	first.Number = 1
	equal(t, first, stored)
	other := open()
	again, addedAgain, err := other.AddQuestion(ctx, question("ask-1", "why?", at.Add(time.Minute)), few)
	must(t, err)
	if !added || addedAgain {
		t.Errorf("added %v, again %v", added, addedAgain)
	}
	equal(t, first, again)
	equal(t, first, get(other.Question(ctx, "ask-1"))(t))
	if _, _, err := db.AddQuestion(ctx, question("ask-1", "why not?", at), few); !errors.Is(err, metadata.ErrChanged) {
		t.Errorf("other words under the same id: %v", err)
	}
	equal(t, first, get(other.NumberedQuestion(ctx, "inv-q", 1))(t))
	_, err = db.NumberedQuestion(ctx, "inv-q", 2)
	is(t, err, metadata.ErrNotFound)
	if after := get(db.Revision(ctx, "inv-q"))(t); after <= before {
		t.Error("who watches does not see the question")
	}
	testQuestionLimits(t, db)
	testQuestionEnds(t, db, other)
}

func testQuestionLimits(t *testing.T, db *metadata.DB) {
	ctx := t.Context()
	second, _, err := db.AddQuestion(ctx, question("ask-2", "when?", at), few)
	must(t, err)
	equal(t, 2, second.Number)
	_, _, err = db.AddQuestion(ctx, question("ask-3", "who?", at), few)
	is(t, err, metadata.ErrTooMany) // two are open
	must(t, db.DropQuestion(ctx, "ask-2"))
	third, _, err := db.AddQuestion(ctx, question("ask-3", "who?", at.Add(2*time.Hour)), few) // ask-1 is forgotten by then
	must(t, err)
	equal(t, 2, third.Number)
	_, _, err = db.AddQuestion(ctx, question("ask-4", "where?", at.Add(4*time.Hour)), few)
	must(t, err)
	_, _, err = db.AddQuestion(ctx, question("ask-5", "really?", at.Add(8*time.Hour)), few)
	is(t, err, metadata.ErrTooMany)
	equal(t, 3, len(get(db.Questions(ctx, "inv-q"))(t)))
}

func testQuestionEnds(t *testing.T, db, other *metadata.DB) {
	ctx := t.Context()
	must(t, db.UpdateQuestion(ctx, "ask-1", func(q *investigation.Question) { q.Turns = []investigation.Turn{{Number: 1001}} }))
	must(t, other.UpdateQuestion(ctx, "ask-1", func(q *investigation.Question) {
		q.Status, q.Answer = investigation.QuestionAnswered, &investigation.ReplyAnswer{Text: "so", Evidence: []string{"e1"}}
	}))
	must(t, db.UpdateQuestion(ctx, "ask-1", func(q *investigation.Question) { q.Status = investigation.QuestionCancelled }))
	must(t, db.DropQuestion(ctx, "ask-1"))
	q := get(db.Question(ctx, "ask-1"))(t)
	if q.Status != investigation.QuestionAnswered || q.Answer.Text != "so" || q.EndedAt.IsZero() || len(q.Turns) != 1 {
		t.Errorf("ended as %+v", q)
	}
	is(t, db.UpdateQuestion(ctx, "ask-9", func(*investigation.Question) {}), metadata.ErrNotFound)
}

// testQuestionEvidence: what a question gathers is none of the investigation's own.
func testQuestionEvidence(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	must(t, db.CreateInvestigation(ctx, investigation.Request{ID: "inv-q"}))
	get(db.PutEvidence(ctx, investigation.Evidence{Investigation: "inv-q", Call: "t1c1"}))(t)
	get(db.PutEvidence(ctx, investigation.Evidence{Investigation: "inv-q", Call: "t1001c1", Question: 1}))(t)
	own, asked := get(db.EvidenceList(ctx, "inv-q"))(t), get(db.QuestionEvidence(ctx, "inv-q"))(t)
	if len(own) != 1 || own[0].ID != "e1" || len(asked) != 1 || asked[0].ID != "e2" || asked[0].Question != 1 {
		t.Errorf("own %+v, of questions %+v", own, asked)
	}
	equal(t, asked[0], get(db.Evidence(ctx, "inv-q", "e2"))(t))
}

// testBudgets: what a question takes counts for nobody else.
func testBudgets(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	for _, turn := range []int{1, 8, 1001, 2001, 2002} {
		begin(t, db, llm.Entry{Call: llm.Call{Investigation: "inv-q", Turn: turn, Ask: 1}})
	}
	for turn, calls := range map[int]int64{0: 2, 8: 2, 1002: 1, 2001: 2, 3001: 0} {
		u, _, err := db.Spent(t.Context(), llm.Call{Investigation: "inv-q", Turn: turn})
		must(t, err)
		equal(t, calls*100, u.Input+u.Output)
	}
}

func added(q investigation.Question, _ bool, err error) (investigation.Question, error) {
	return q, err
}
