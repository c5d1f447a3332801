package eval_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/eval"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
)

// What the committed cases may take, in bytes.
const (
	maxCase  = 1 << 20
	maxCases = 5 << 20
)

// TestCommitted: the built-in analyst finds recorded answers to all it asks of the committed cases, blames nobody where
// nothing is broken, and scores what docs/analyst.md says.
func TestCommitted(t *testing.T) {
	cases, err := eval.LoadAll("cases")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != len(scenes()) {
		t.Errorf("%d cases of %d scenes: make eval-cases", len(cases), len(scenes()))
	}
	r, err := eval.New(eval.Config{Engine: inside{}, Tools: tools.All(nil), Analyst: investigation.AnalystBuiltin})
	if err != nil {
		t.Fatal(err)
	}
	results := make([]eval.Result, len(cases))
	t.Run("case", func(t *testing.T) {
		for n, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				got, err := r.Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if got.Unrecorded > 0 || got.Outcome == eval.Failed {
					t.Errorf("%s, %d of %d calls are not recorded: %s", got.Outcome, got.Unrecorded, got.Calls, got.Why)
				}
				if len(c.Expect.Culprits) == 0 && got.Outcome != eval.Right {
					t.Error(got.Why)
				}
				results[n] = got
			})
		}
	})
	score := eval.Sum(investigation.AnalystBuiltin, results)
	written, err := os.ReadFile("../docs/analyst.md")
	if err != nil {
		t.Fatal(err)
	}
	says := fmt.Sprintf("%d of %d right, %d confidently wrong, %d inconclusive", score.Right, len(results), score.Wrong, score.Inconclusive)
	if !strings.Contains(string(written), says) {
		var table strings.Builder
		_ = score.Write(&table) // into memory
		t.Errorf("docs/analyst.md does not say %q\n%s", says, table.String())
	}
}

// TestSizes: the committed cases stay small.
func TestSizes(t *testing.T) {
	total, each := int64(0), map[string]int64{}
	err := filepath.WalkDir("cases", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			each[filepath.Dir(path)] += info.Size()
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range each {
		if size > maxCase {
			t.Errorf("%s takes %d bytes, at most %d", name, size, maxCase)
		}
	}
	if total > maxCases {
		t.Errorf("all cases take %d bytes, at most %d", total, maxCases)
	}
}
