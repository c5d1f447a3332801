package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/recorded"
)

// Files of a case's directory.
const (
	caseFile    = "case.json"
	answersFile = "answers.json.zst"
)

// maxAnswers bounds a case's recorded answers, in bytes of JSON.
const maxAnswers = 256 << 20

// ErrCase means a directory is not a case, or not a whole one.
var ErrCase = errors.New("not a case")

// Case is one question with what the tools answered when it was recorded.
type Case struct {
	Name    string                `json:"-"`     // of its directory
	Story   string                `json:"story"` // what was done, one sentence for people
	Request investigation.Request `json:"request"`
	Expect  Expect                `json:"expect"`
	Answers []recorded.Answer     `json:"-"`
}

// Expect is what a good report says.
type Expect struct {
	// Culprits are the entities that are right, any of them; none: nothing is broken, and nobody may be blamed.
	Culprits   []telemetry.Entity        `json:"culprits"`
	Mechanisms []investigation.Mechanism `json:"mechanisms"` // any of them is right
	// Withheld says what was taken out of the data. "Inconclusive" is right then, and a right answer is, too.
	Withheld string `json:"withheld,omitempty"`
}

// Load reads a case from its directory.
func Load(dir string) (Case, error) {
	c := Case{Name: filepath.Base(dir)}
	b, err := os.ReadFile(filepath.Join(dir, caseFile))
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrCase, err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%w: %s: %w", ErrCase, filepath.Join(dir, caseFile), err)
	}
	if c.Request.Fault.To.IsZero() || len(c.Expect.Culprits) > 0 && len(c.Expect.Mechanisms) == 0 {
		return c, fmt.Errorf("%w: %s: it needs the fault's window, and mechanisms with its culprits", ErrCase, dir)
	}
	packed, err := os.ReadFile(filepath.Join(dir, answersFile))
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrCase, err)
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxAnswers))
	if err != nil {
		return c, err
	}
	defer z.Close()
	if b, err = z.DecodeAll(packed, nil); err == nil {
		err = json.Unmarshal(b, &c.Answers)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %s: %w", ErrCase, filepath.Join(dir, answersFile), err)
	}
	return c, nil
}

// LoadAll reads every case of a directory, by name. A directory that is itself a case gives that one.
func LoadAll(dir string) ([]Case, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", caseFile))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, caseFile)); err == nil {
		found = []string{filepath.Join(dir, caseFile)}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %s holds no %s", ErrCase, dir, filepath.Join("*", caseFile))
	}
	slices.Sort(found)
	var cases []Case
	for _, file := range found {
		c, err := Load(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// Save writes a case into a directory of its own name.
func (c Case) Save(dir string) error {
	dir = filepath.Join(dir, c.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("save case %s: %w", c.Name, err)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("save case %s: %w", c.Name, err)
	}
	answers, err := json.Marshal(c.Answers)
	if err != nil {
		return fmt.Errorf("save case %s: %w", c.Name, err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, caseFile), append(b, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, answersFile), z.EncodeAll(answers, nil), 0o644))
}
