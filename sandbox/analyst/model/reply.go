package model

import (
	"encoding/json"
	"slices"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// maxReply bounds the answer to a follow-up question, in bytes.
const maxReply = 4000

var replyTool = llm.Tool{
	Name:        "reply",
	Description: "Answer the person's question from the evidence.",
	Schema: json.RawMessage(`{
  "type": "object",
  "additionalProperties": false,
  "required": ["text", "evidence"],
  "properties": {
    "text": {"type": "string", "description": "the answer, plain text, as short as it can be"},
    "evidence": {"type": "array", "items": {"type": "string"}, "maxItems": 20, "description": "ids the answer rests on"}
  }
}`),
}

func (s *session) readReply(r *reading, n int, arguments json.RawMessage) {
	var answer struct {
		Text     string   `json:"text"`
		Evidence []string `json:"evidence"`
	}
	if err := json.Unmarshal(arguments, &answer); err != nil {
		r.fault(n, "The arguments of reply cannot be read: %s.", plain(err.Error(), 200))
		return
	}
	text := paragraphs(answer.Text, maxReply)
	if text == "" {
		r.fault(n, "text must not be empty.")
		return
	}
	ids := append(answer.Evidence, evidenceID.FindAllString(text, -1)...)
	for _, id := range ids {
		if !s.known(id) {
			r.fault(n, "There is no evidence %s.", plain(id, 20))
		}
	}
	r.reply = &contract.ReplyText{Text: s.honest(text), Evidence: s.resting(ids)}
}

// replyInWords takes an answer that was said instead of passed to reply; it rests on the evidence it mentions.
func (s *session) replyInWords(r *reading, said string) {
	text := paragraphs(said, maxReply)
	r.reply = &contract.ReplyText{Text: s.honest(text), Evidence: s.resting(evidenceID.FindAllString(text, -1))}
}

// noEvidence follows a mention of evidence that does not exist.
const noEvidence = " (no such evidence)"

// honest says of each mention of evidence that does not exist that it does not.
func (s *session) honest(text string) string {
	marked := evidenceID.ReplaceAllStringFunc(text, func(id string) string {
		if s.known(id) {
			return id
		}
		return id + noEvidence
	})
	return cut(marked, maxReply)
}

// resting keeps the ids that exist, once each.
func (s *session) resting(ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if s.known(id) && !slices.Contains(out, id) && len(out) < maxCited {
			out = append(out, id)
		}
	}
	return out
}
