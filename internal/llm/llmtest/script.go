package llmtest

import (
	"net/http"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

// Call is a request that a server accepted.
type Call struct {
	Number  int         // from 1
	Request llm.Request // as decoded from the vendor's words
	Header  http.Header
	Body    []byte   // as it came
	Cached  []string // where cache points were: tools, system, messages
}

// Script decides what a server answers. It is called concurrently, once for each accepted request.
type Script func(Call) Answer

// Answer is what a server does about a call.
type Answer struct {
	Text  string
	Tools []ToolCall
	Stop  llm.Stop  // "": StopTools if there are any, else StopEnd
	Usage llm.Usage // zero: guessed from the sizes

	Failure  *Failure      // says no
	Cut      bool          // the connection dies in the middle of the answer
	Hang     bool          // the answer begins, and then nothing comes until the client closes the connection
	Silent   bool          // not even that
	Redirect string        // sends the client there
	Raw      []byte        // this as the body of a successful answer, whatever it is
	Type     string        // content type of Raw; "": the right one
	Delay    time.Duration // before the answer
}

// ToolCall is a tool the model asks for. Arguments are what a model writes, which may be no JSON.
type ToolCall struct {
	ID        string // "": made up
	Name      string
	Arguments string
}

// Failure is an error as the vendor words it.
type Failure struct {
	Kind       llm.Kind // Throttled, Overloaded, Denied, Invalid
	RetryAfter time.Duration
	Status     int    // 0: the vendor's for that kind
	Body       string // "": the vendor's
	InStream   bool   // after half of an answer with status 200
}

// Say answers in words.
func Say(text string) Answer { return Answer{Text: text} }

// Ask asks for tools.
func Ask(calls ...ToolCall) Answer { return Answer{Tools: calls} }

// Throttle says that there were too many requests.
func Throttle(after time.Duration) Answer {
	return Answer{Failure: &Failure{Kind: llm.Throttled, RetryAfter: after}}
}

// Overload says that the provider is in trouble.
func Overload() Answer { return Answer{Failure: &Failure{Kind: llm.Overloaded}} }

// Deny says that this account may not.
func Deny() Answer { return Answer{Failure: &Failure{Kind: llm.Denied}} }

// TooLong says that the prompt does not fit.
func TooLong() Answer { return Answer{Failure: &Failure{Kind: llm.Invalid}} }

// Refuse is a model or a filter that would not. text may be empty.
func Refuse(text string) Answer { return Answer{Text: text, Stop: llm.StopRefused} }

// Sequence answers call by call. The last answer is repeated.
func Sequence(answers ...Answer) Script {
	return func(c Call) Answer { return answers[min(c.Number, len(answers))-1] }
}

func (a Answer) stop() llm.Stop {
	switch {
	case a.Stop != "":
		return a.Stop
	case len(a.Tools) > 0:
		return llm.StopTools
	default:
		return llm.StopEnd
	}
}

// usage is about four bytes a token where the script does not say.
func (a Answer) usage(c Call) llm.Usage {
	if a.Usage != (llm.Usage{}) {
		return a.Usage
	}
	written := len(a.Text)
	for _, t := range a.Tools {
		written += len(t.Name) + len(t.Arguments)
	}
	return llm.Usage{Input: int64(len(c.Body)/4 + 1), Output: int64(written/4 + 1)}
}

// pieces cuts a text as a stream would, never inside of a character.
func pieces(text string) []string {
	const size = 20
	var cut []string
	runes := []rune(text)
	for len(runes) > size {
		cut = append(cut, string(runes[:size]))
		runes = runes[size:]
	}
	return append(cut, string(runes))
}
