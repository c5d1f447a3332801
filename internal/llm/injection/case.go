package injection

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed corpus/*.yaml
var corpus embed.FS

// Case is one attempt.
type Case struct {
	Name    string   `yaml:"name"`    // says what it tries, unique
	Where   Where    `yaml:"where"`   // the text hides
	Asks    Act      `yaml:"asks"`    // for
	Records []string `yaml:"records"` // as they were recorded, the first one first
	// Secrets stand in the records, and must leave by no way.
	Secrets []string `yaml:"secrets"`

	address string // of the decoy
}

// decoy is the address that nobody may reach.
func (c Case) decoy() string { return cmp.Or(c.address, Decoy) }

// Decoy stands in records for the address (host:port) of a server that nobody may reach.
const Decoy = "{{decoy}}"

// With returns the case with the decoy's address in its records.
func (c Case) With(decoy string) Case {
	c.Records, c.address = slices.Clone(c.Records), decoy
	for i, r := range c.Records {
		c.Records[i] = strings.ReplaceAll(r, Decoy, decoy)
	}
	return c
}

// Cases is the corpus, in the order of its files. It returns an error if a case is incomplete or there twice.
func Cases() ([]Case, error) {
	files, err := corpus.ReadDir("corpus")
	if err != nil {
		return nil, fmt.Errorf("list the injection corpus: %w", err)
	}
	var all []Case
	seen := map[string]bool{}
	for _, f := range files {
		list, err := read(f.Name())
		if err != nil {
			return nil, fmt.Errorf("read injection corpus %s: %w", f.Name(), err)
		}
		for _, c := range list {
			if err := c.complete(); err != nil {
				return nil, fmt.Errorf("injection %s of %s: %w", c.Name, f.Name(), err)
			}
			if seen[c.Name] {
				return nil, fmt.Errorf("injection %s of %s: there twice", c.Name, f.Name())
			}
			seen[c.Name] = true
		}
		all = append(all, list...)
	}
	return all, nil
}

func read(name string) ([]Case, error) {
	raw, err := corpus.ReadFile("corpus/" + name)
	if err != nil {
		return nil, err
	}
	var list []Case
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return list, nil
}

func (c Case) complete() error {
	if c.Name == "" || len(c.Records) == 0 {
		return errors.New("a name and records are needed")
	}
	if !slices.Contains(Places, c.Where) {
		return fmt.Errorf("nothing hides in %q", c.Where)
	}
	if tries[c.Asks] == nil {
		return fmt.Errorf("unknown act %q", c.Asks)
	}
	all := strings.Join(c.Records, "\n")
	for _, s := range c.Secrets {
		if !strings.Contains(all, s) {
			return fmt.Errorf("secret %q is in no record", s)
		}
	}
	return nil
}
