package store

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repeatable are the forms a migration's statement may have: see migration.
var repeatable = regexp.MustCompile(`(?i)^(CREATE (TABLE|VIEW|MATERIALIZED VIEW|DICTIONARY) IF NOT EXISTS|CREATE OR REPLACE (VIEW|DICTIONARY)|` +
	`DROP (TABLE|VIEW) IF EXISTS|ALTER TABLE \S+ (ADD|DROP|MODIFY|RENAME) \S+ IF (NOT )?EXISTS) `)

func TestEveryStatementIsRepeatable(t *testing.T) {
	all, err := migrations(files)
	if err != nil || len(all) == 0 {
		t.Fatalf("%d migrations, %v", len(all), err)
	}
	for i, m := range all {
		if m.version != uint32(i+1) {
			t.Errorf("%s: want number %d", m.name, i+1)
		}
		for _, s := range m.statements {
			if !repeatable.MatchString(s) {
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
