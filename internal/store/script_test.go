package store

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repeatable are the forms a migration's statement may have: see migration. A SELECT changes nothing; it stops a migration that must not go on.
var repeatable = regexp.MustCompile(`(?is)^(CREATE (TABLE|VIEW|MATERIALIZED VIEW|DICTIONARY) IF NOT EXISTS|CREATE OR REPLACE (VIEW|DICTIONARY)|` +
	`DROP (TABLE|VIEW) IF EXISTS|RENAME TABLE IF EXISTS|SELECT|ALTER TABLE \S+ (ADD|DROP|MODIFY|RENAME) \S+ IF (NOT )?EXISTS|ALTER TABLE \S+ MODIFY SETTING) `)

// copied is a copy out of a table that was set aside, or a rollup of one that stays. It is repeatable if what fills the table begins with emptying it.
var copied = regexp.MustCompile(`(?is)^INSERT INTO (\w+) \(.*\)\s+SELECT .*\sFROM (\w+_\d+|spans|logs|service_minutes)\b`)

// copies says whether statement i is such a copy, or the emptying before it.
func copies(statements []string, i int) bool {
	if i+1 < len(statements) && strings.HasPrefix(statements[i], "TRUNCATE ") {
		i++
	}
	into := copied.FindStringSubmatch(statements[i])
	for into != nil && i > 0 && strings.HasPrefix(statements[i-1], "INSERT INTO "+into[1]+" ") {
		i--
	}
	return into != nil && i > 0 && statements[i-1] == "TRUNCATE TABLE "+into[1]
}

func TestEveryStatementIsRepeatable(t *testing.T) {
	all, err := migrations(files)
	if err != nil || len(all) == 0 {
		t.Fatalf("%d migrations, %v", len(all), err)
	}
	for i, m := range all {
		if m.version != uint32(i+1) {
			t.Errorf("%s: want number %d", m.name, i+1)
		}
		for i, s := range m.statements {
			if !repeatable.MatchString(s) && !copies(m.statements, i) {
				t.Errorf("%s: a crash may leave this done and the next start would repeat it: %.80s", m.name, s)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	got := split("-- a; comment\nCREATE TABLE a (b String DEFAULT ';') ; \n\n DROP TABLE `x;y` -- it's\n;SELECT 'it\\'s; fine'")
	want := []string{"CREATE TABLE a (b String DEFAULT ';')", "DROP TABLE `x;y`", `SELECT 'it\'s; fine'`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}
