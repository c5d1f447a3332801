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
	for _, id := range answer.Evidence {
		if !s.known(id) {
			r.fault(n, "There is no evidence %s.", plain(id, 20))
		}
	}
	r.reply = &contract.ReplyText{Text: text, Evidence: s.resting(answer.Evidence)}
}

// replyInWords takes an answer that was said instead of passed to reply; it rests on the evidence it mentions.
func (s *session) replyInWords(r *reading, said string) {
	r.reply = &contract.ReplyText{Text: paragraphs(said, maxReply), Evidence: s.resting(evidenceID.FindAllString(said, -1))}
}

// resting keeps the ids that exist, once each.
func (s *session) resting(ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if s.known(id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
