package investigation

import (
	"slices"
	"time"
)

// Question is what a person asks about an investigation, and what came of it. It changes nothing of the investigation: what is
// gathered for it is evidence of its own.
type Question struct {
	ID            string       `json:"id"`
	Investigation string       `json:"investigation"`
	Number        int          `json:"number"` // from 1, in the order in which they were asked
	Text          string       `json:"text"`   // the person's words
	Asker         string       `json:"asker"`  // subject of the person
	Namespaces    []string     `json:"namespaces,omitempty"`
	Budget        Budget       `json:"budget"`
	Status        string       `json:"status"`
	AskedAt       time.Time    `json:"asked_at"`
	EndedAt       time.Time    `json:"ended_at,omitzero"`
	Turns         []Turn       `json:"turns,omitempty"` // on the way to the answer; their numbers are of QuestionTurn
	Answer        *ReplyAnswer `json:"answer,omitempty"`
	Failure       string       `json:"failure,omitempty"` // why there is no answer
}

// States of a question.
const (
	QuestionAsked     = "asked" // the answer is being looked for
	QuestionAnswered  = "answered"
	QuestionFailed    = "failed"
	QuestionCancelled = "cancelled"
)

// ReplyAnswer answers a question. Text is plain, never markup.
type ReplyAnswer struct {
	Text      string     `json:"text"`
	Evidence  []string   `json:"evidence"`             // ids it rests on; all of them exist
	Analyst   string     `json:"analyst"`              // as Report.Analyst
	NoModel   string     `json:"no_model,omitempty"`   // why no model answered
	DataTypes []DataType `json:"data_types,omitempty"` // of everything that may be in the text
}

// questionTurns is how many turn numbers a question has to itself: those of question 3 are 3001, 3002, …
const questionTurns = 1000

// QuestionTurn numbers the turn n, from 1, of a question. Turns of an investigation itself stay below all of them.
func QuestionTurn(number, n int) int { return number*questionTurns + n }

// QuestionOf tells whose a turn is: the number of a question, or 0 for the investigation's own.
func QuestionOf(turn int) int { return turn / questionTurns }

// TurnsOf are the turns that share a budget with a turn: the investigation's own, or those of one question; to is exclusive.
func TurnsOf(turn int) (from, to int) {
	from = QuestionOf(turn) * questionTurns
	return from, from + questionTurns
}

// Within tells whether a scope of namespaces is no wider than another; none means all of them.
func Within(namespaces, of []string) bool {
	if len(of) == 0 {
		return true
	}
	return len(namespaces) > 0 && !slices.ContainsFunc(namespaces, func(n string) bool { return !slices.Contains(of, n) })
}
