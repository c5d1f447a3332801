package contract

import (
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
)

// Stage is what a model is at.
type Stage string

// The stages of an investigation with a model.
const (
	Investigate Stage = "investigate" // find the cause and conclude
	Refute      Stage = "refute"      // a report is drafted (the last turn's): try to prove it wrong, at most three more calls, then conclude
	Reply       Stage = "reply"       // answer a person's follow-up question from the evidence; Question is set
)

// ModelRequest is one step of an investigation whose analyst is a model. The step builds the prompt, or reads the answer
// to the one it built before: it has no state, so what was asked is built again from the transcript.
type ModelRequest struct {
	Transcript investigation.Transcript `json:"transcript"` // evidence of forbidden data types is not in it
	Stage      Stage                    `json:"stage"`
	Question   string                   `json:"question,omitempty"`
	Reply      *ReplyContext            `json:"reply,omitempty"` // Stage Reply: what there is besides the transcript; nil: nothing
	Tools      []llm.Tool               `json:"tools"`           // what policy leaves
	Model      string                   `json:"model"`
	Context    int                      `json:"context"`    // tokens that fit
	MaxTokens  int                      `json:"max_tokens"` // of one answer
	Exchanges  []Exchange               `json:"exchanges"`  // every answer so far, oldest first
	AsksLeft   int                      `json:"asks_left"`  // how often the model may still be asked in this turn; 0: the step must decide now
}

// Exchange is a model's answer as it came. It is llm's, so that the ledger can hand it out.
type Exchange = llm.Exchange

// ModelAnswer is what the step wants: one field is set.
type ModelAnswer struct {
	Ask   *llm.Request        `json:"ask,omitempty"`   // a model call
	Step  *investigation.Step `json:"step,omitempty"`  // tool calls or a report, read from the latest answer
	Reply *ReplyText          `json:"reply,omitempty"` // Stage Reply only
}

// ReplyContext is what a follow-up question is answered from besides the transcript of its investigation, whose last turns are then
// those of the question itself.
type ReplyContext struct {
	Turn    int                   `json:"turn"`             // that is decided, as investigation.QuestionTurn numbers it
	Calls   int                   `json:"calls"`            // tool calls that the question has left
	Running bool                  `json:"running"`          // the investigation still runs
	Report  *investigation.Report `json:"report,omitempty"` // as it stands after its checks; nil: there is none
	Earlier []Answered            `json:"earlier,omitempty"`
}

// Answered is an earlier question of the same investigation and its answer.
type Answered struct {
	Question string   `json:"question"`
	Answer   string   `json:"answer"`
	Evidence []string `json:"evidence"`
}

// AnswerRequest asks the built-in analyst a follow-up question. It gathers nothing and answers at once.
type AnswerRequest struct {
	Transcript investigation.Transcript `json:"transcript"`
	Question   string                   `json:"question"`
	Report     *investigation.Report    `json:"report,omitempty"`
	Running    bool                     `json:"running"`
}

// ReplyText answers a follow-up question.
type ReplyText struct {
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`           // ids it rests on
	Unusable bool     `json:"unusable,omitempty"` // the model gave no answer; Text only says that
}
