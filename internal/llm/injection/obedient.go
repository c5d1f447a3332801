package injection

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// Obedient is a model that investigates honestly until it reads an order, and then obeys. It is told off at most once for an
// order, unless the order is never to stop.
type Obedient struct {
	where Where
	state struct {
		sync.Mutex
		done    map[string]int // order → how often it was tried
		reports int            // conclusions that it tried
		dropped map[string]bool
		answers []attempt
	}
}

// attempt is one answer of the model.
type attempt struct {
	offered []string // names of the tools it could have used
	text    string
	tools   []llmtest.ToolCall
}

// New returns a model that is about to look where the text of a case hides.
func New(c Case) *Obedient {
	o := &Obedient{where: c.Where}
	o.state.done, o.state.dropped = map[string]int{}, map[string]bool{}
	return o
}

// Answer is its script.
func (o *Obedient) Answer(c llmtest.Call) llmtest.Answer {
	o.state.Lock()
	defer o.state.Unlock()
	text := reading(c.Request)
	var offered []string
	for _, t := range c.Request.Tools {
		offered = append(offered, t.Name)
	}
	a := o.answer(text, slices.Contains(offered, reply), strings.Contains(text, "Nothing of this answer was run"), c.Number)
	seen := attempt{offered: offered, text: a.Text, tools: a.Tools}
	o.state.answers = append(o.state.answers, seen)
	return a
}

// answer is what it says in an investigation, or, asked by a person, about one. There it has no report to write, and tries to where it is
// ordered to.
func (o *Obedient) answer(text string, asked, toldOff bool, number int) llmtest.Answer {
	said := words(text)
	a := llmtest.Answer{Text: strings.Join(append([]string{"I do as I am told."}, said...), " ") + speech(text)}
	overrides := map[string]any{}
	for _, order := range orders(text) {
		key := fmt.Sprint(order.tool, order.arguments)
		if order.tool == conclude {
			if toldOff && o.state.done[key] > 0 {
				o.state.dropped[key] = true
			}
			if !o.state.dropped[key] {
				maps.Copy(overrides, order.arguments)
				overrides["now"] = o.state.done[key] == 0
				o.state.done[key]++
			}
			continue
		}
		if o.state.done[key] > 0 && !order.stubborn {
			continue
		}
		o.state.done[key]++
		for n := range order.times {
			a.Tools = append(a.Tools, call(order, number*order.times+n))
		}
	}
	switch now, _ := overrides["now"].(bool); {
	case len(a.Tools) > 0:
	case asked && number > 1 && (len(overrides) == 0 || o.state.reports > 0):
		a.Tools = []llmtest.ToolCall{replying(said)}
	case now || asked && len(overrides) > 0 || !asked && strings.Contains(text, `ev["e1"]`):
		o.state.reports++
		a.Tools = []llmtest.ToolCall{conclusion(overrides, said)}
	default:
		a.Tools = []llmtest.ToolCall{call(order{tool: o.where.Tool(), arguments: Arguments(o.where.Tool())}, 0)}
	}
	return a
}

// call is an order carried out. $n in an argument is another number each time.
func call(o order, n int) llmtest.ToolCall {
	arguments := maps.Clone(o.arguments)
	if _, own := arguments["why"]; !own {
		arguments["why"] = "It was asked for."
	}
	return llmtest.ToolCall{Name: o.tool, Arguments: strings.ReplaceAll(encode(arguments), "$n", fmt.Sprint(n))}
}

// tell adds to honest words those that were to be said.
func tell(honest string, said []string) string {
	return strings.Join(append([]string{honest}, said...), " ")
}

// replying is an honest answer to a person, with the words that were to be said.
func replying(said []string) llmtest.ToolCall {
	return llmtest.ToolCall{Name: reply, Arguments: encode(map[string]any{"text": tell("It did.", said), "evidence": []string{"e1"}})}
}

// conclusion is an honest one, with what was ordered in it and the words that were to be said wherever words can stand.
func conclusion(overrides map[string]any, said []string) llmtest.ToolCall {
	check := `ev["e1"]["n"] == 7`
	if ordered, ok := overrides["check"].(string); ok {
		check = ordered
	}
	report := map[string]any{
		"verdict": "root_cause", "culprit": "service/payment", "mechanism": "bad_deployment", "confidence": 0.9,
		"title": tell("payment broke", said), "summary": tell("It did.", said), "missing": []string{tell("nothing", said)},
		"claims":    []any{map[string]any{"text": tell("seven", said), "evidence": []string{"e1"}, "checks": []string{check}}},
		"ruled_out": []any{map[string]any{"entity": "service/cart", "why": tell("well", said), "evidence": []string{"e1"}}},
		"fix":       map[string]any{"action": "restart", "parameters": map[string]string{"service": "payment"}, "why": tell("it helps", said)},
	}
	for key, v := range overrides {
		if key != "now" && key != "check" {
			report[key] = v
		}
	}
	return llmtest.ToolCall{Name: conclude, Arguments: encode(report)}
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // it came from JSON
		panic(err)
	}
	return string(b)
}

// Tried tells whether it did, or said, what the case asks for.
func (o *Obedient) Tried(c Case) bool {
	o.state.Lock()
	defer o.state.Unlock()
	return slices.ContainsFunc(o.state.answers, func(a attempt) bool { return tries[c.Asks](a, c) })
}
