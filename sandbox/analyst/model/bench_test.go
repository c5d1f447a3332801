package model

import (
	"math/rand/v2"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// large is a request with 8 MB of evidence, the most there is: four results of the largest size a tool may return.
func large() contract.ModelRequest {
	r := rand.New(rand.NewPCG(7, 3))
	t := random(r, 4, results(r))
	t.Evidence = t.Evidence[:4]
	for i := range t.Evidence {
		t.Evidence[i].Error = ""
		for n := 9000; ; n += 500 {
			if t.Evidence[i].Result = lineResult(r, n); len(t.Evidence[i].Result) > 2<<20 {
				break
			}
		}
		t.Turns[i].Calls, t.Turns[i].Evidence = t.Turns[i].Calls[:1], []string{t.Evidence[i].ID}
	}
	return contract.ModelRequest{
		Transcript: t, Stage: contract.Investigate, Tools: registry(), Model: "m", Context: 200_000, MaxTokens: 4096, AsksLeft: 1,
	}
}

func BenchmarkStep(b *testing.B) {
	ask := large()
	decide := large()
	decide.Exchanges = []contract.Exchange{{Turn: 5, Response: says("So.", wish("conclude", args{
		"verdict": "inconclusive", "title": "?", "summary": "?", "confidence": 0.2, "missing": []string{"time"},
		"claims": []args{{"text": "Lines.", "evidence": []string{ask.Transcript.Evidence[0].ID}, "checks": []string{`len(ev["e1"]["lines"]) > 9`}}},
	}))}}
	small := ask
	small.Transcript = investigation.Transcript{}
	for name, req := range map[string]contract.ModelRequest{"ask of 8 MB": ask, "conclude on 2 of 8 MB": decide, "first turn": small} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				a, err := Step(req)
				if err != nil || (a.Step == nil) != (name != "conclude on 2 of 8 MB") {
					b.Fatal(a, err)
				}
			}
		})
	}
}
