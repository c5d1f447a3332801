package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// localSuffix ends the names of the tables that have a cluster's rows, and of the views that fill them. What is named without it is of all servers.
const localSuffix = "_local"

// A cluster's schema is the migrations' own, with other engines: what they make as table x is x_local there, replicated within its shard, and x
// is a Distributed table over all x_local. These are the forms of statements that can be said for a cluster; any other is an error.
var (
	tableForm = regexp.MustCompile(`(?s)^CREATE TABLE IF NOT EXISTS (\w+)\s(.*)ENGINE = (Replacing|Aggregating)?MergeTree(?:\((\w+)\))? (.*ORDER BY (\w+$|\(.*?\)(?:\sSETTINGS|$)).*)$`)
	sameForm  = regexp.MustCompile(`^AS (\w+)\s*$`)
	fillForm  = regexp.MustCompile(`(?s)^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) AS\s(.*)$`)
	fromForm  = regexp.MustCompile(`\bFROM (\w+)\b`)
	viewForm  = regexp.MustCompile(`(?s)^CREATE (?:VIEW IF NOT EXISTS|OR REPLACE VIEW) (\w+) AS\s`)
	dropForm  = regexp.MustCompile(`^DROP (TABLE|VIEW) IF EXISTS (\w+)$`)
	addForm   = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN IF NOT EXISTS ((\w+) .*) AFTER (\w+)$`)
	setForm   = regexp.MustCompile(`^ALTER TABLE (\w+) MODIFY SETTING (\w+ = \d+)$`)
	joinForm  = regexp.MustCompile(`\b(INNER|LEFT) JOIN\b`)
	emptyForm = regexp.MustCompile(`^TRUNCATE TABLE (\w+)$`)
	copyForm  = regexp.MustCompile(`(?s)^INSERT INTO (\w+) (\(.*?\)\sSELECT\s.*)$`)
	oldForm   = regexp.MustCompile(`\bFROM \w+_\d+\b`) // of a table that was set aside, which no cluster has
	rowsForm  = regexp.MustCompile(`^(INSERT INTO|TRUNCATE TABLE|SELECT)\s`)
)

// layout is where a cluster has its tables.
type layout struct {
	cluster  string // its name in system.clusters
	database string // of the tables on every server
	path     string // in Keeper, under which the replicas of a shard find each other; empty: there are none
}

func newLayout(cfg Config) layout {
	l := layout{cluster: cfg.Cluster, database: cfg.Database}
	if !cfg.Unreplicated {
		l.path = "/clickhouse/tables/" + cfg.Cluster + "/{shard}/" + cfg.Database + "/"
	}
	return l
}

// engine is the engine of a table with rows.
func (l layout) engine(table, kind, version string) string {
	name := kind + "MergeTree"
	var arguments []string
	if l.path != "" {
		name = "Replicated" + name
		arguments = []string{literal(l.path + table), "'{replica}'"}
	}
	if version != "" {
		arguments = append(arguments, version)
	}
	return name + "(" + strings.Join(arguments, ", ") + ")"
}

// statements says for a server of the cluster what a statement of a migration says for a single one.
func (l layout) statements(statement string) ([]string, error) {
	if m := tableForm.FindStringSubmatch(statement); m != nil {
		return l.table(m), nil
	}
	if m := fillForm.FindStringSubmatch(statement); m != nil && len(fromForm.FindAllString(m[3], -1)) == 1 {
		return []string{
			fmt.Sprintf("CREATE MATERIALIZED VIEW IF NOT EXISTS %s TO %s AS\n%s", m[1]+localSuffix, m[2]+localSuffix, fromForm.ReplaceAllString(m[3], "FROM ${1}"+localSuffix)),
			// The same query of all servers' rows: what was filled is made again by it.
			fmt.Sprintf("CREATE OR REPLACE VIEW %s AS\n%s", m[1], m[3]),
		}, nil
	}
	if viewForm.MatchString(statement) {
		return []string{joinForm.ReplaceAllString(statement, "GLOBAL $1 JOIN")}, nil
	}
	if m := dropForm.FindStringSubmatch(statement); m != nil { // what a materialized view became are two views
		drop := func(name string) string { return fmt.Sprintf("DROP %s IF EXISTS %s SYNC", m[1], name) }
		return []string{drop(m[2]), drop(m[2] + localSuffix)}, nil
	}
	if m := addForm.FindStringSubmatch(statement); m != nil {
		add := func(table string) string {
			return fmt.Sprintf("ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s AFTER %s", table, m[2], m[4])
		}
		return []string{add(m[1] + localSuffix), add(m[1])}, nil
	}
	if m := setForm.FindStringSubmatch(statement); m != nil {
		return []string{fmt.Sprintf("ALTER TABLE %s MODIFY SETTING %s", m[1]+localSuffix, m[2])}, nil
	}
	// Each replica fills a table anew with what its shard has: the last one leaves it full, whoever died.
	if m := emptyForm.FindStringSubmatch(statement); m != nil {
		return []string{"TRUNCATE TABLE " + m[1] + localSuffix}, nil
	}
	if m := copyForm.FindStringSubmatch(statement); m != nil && len(fromForm.FindAllString(m[2], -1)) == 1 && !oldForm.MatchString(m[2]) {
		return []string{fmt.Sprintf("INSERT INTO %s %s", m[1]+localSuffix, fromForm.ReplaceAllString(m[2], "FROM ${1}"+localSuffix))}, nil
	}
	return nil, fmt.Errorf("this has no meaning in a cluster yet: %.80s", statement)
}

// table makes the replicated table and the Distributed one of a match of tableForm.
func (l layout) table(m []string) []string {
	name, columns, kind, version, rest := m[1], m[2], m[3], m[4], m[5]
	local := name + localSuffix
	if as := sameForm.FindStringSubmatch(columns); as != nil {
		columns = "AS " + as[1] + localSuffix + "\n"
	}
	return []string{
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s %sENGINE = %s %s", local, columns, l.engine(name, kind, version), rest),
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s AS %s ENGINE = Distributed(%s, %s, %s, %s)",
			name, local, literal(l.cluster), literal(l.database), literal(local), shardingKey(kind, columns, m[6])),
	}
}

// shardingKey says which shard a row goes to that is inserted into the Distributed table. Rows that replace each other have to be on one, so it is
// their key; others stay with those of their request.
func shardingKey(kind, columns, orderBy string) string {
	if kind != "Replacing" && strings.Contains(columns, " batch_id ") {
		return "cityHash64(batch_id)"
	}
	key, _, _ := strings.Cut(orderBy, ")")
	return "cityHash64(" + strings.Trim(key, "(") + ")"
}

// replacing says which tables keep one row of each key, and so need the rows of a key on one shard.
func replacing(statements []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range statements {
		if m := tableForm.FindStringSubmatch(s); m != nil && m[3] == "Replacing" {
			out[m[1]] = true
		}
	}
	return out
}

// schema is what is there after all migrations: the statements that make it at once. A new server has no rows that would have to be moved, and its
// tables must be at once what they are on the other replicas.
type schema struct {
	names []string // in the order in which they can be made
	made  map[string]string
}

// fold returns the statements that make the schema after all migrations.
func fold(all []migration) ([]string, error) {
	s := schema{made: map[string]string{}}
	for _, m := range all {
		for i, statement := range m.statements {
			if err := s.apply(statement); err != nil {
				return nil, fmt.Errorf("migration %s, statement %d: %w", m.name, i+1, err)
			}
		}
	}
	out := make([]string, len(s.names))
	for i, name := range s.names {
		out[i] = s.made[name]
	}
	return out, nil
}

func (s *schema) apply(statement string) error {
	for _, form := range []*regexp.Regexp{tableForm, fillForm, viewForm} {
		if m := form.FindStringSubmatch(statement); m != nil {
			s.make(m[1], statement)
			return nil
		}
	}
	if m := dropForm.FindStringSubmatch(statement); m != nil {
		s.remove(m[2])
		return nil
	}
	if m := setAside.FindStringSubmatch(statement); m != nil { // to be copied and dropped
		s.remove(m[1])
		return nil
	}
	if m := addForm.FindStringSubmatch(statement); m != nil {
		return s.add(m[1], m[2], m[3], m[4])
	}
	if m := setForm.FindStringSubmatch(statement); m != nil && strings.Contains(s.made[m[1]], "\nSETTINGS ") {
		s.made[m[1]] += ", " + m[2]
		return nil
	}
	if rowsForm.MatchString(statement) {
		return nil
	}
	return fmt.Errorf("what it leaves is not known: %.80s", statement)
}

func (s *schema) make(name, statement string) {
	if strings.HasPrefix(statement, "CREATE OR REPLACE ") {
		s.remove(name)
	}
	if s.made[name] == "" {
		s.names = append(s.names, name)
		s.made[name] = statement
	}
}

func (s *schema) remove(name string) {
	delete(s.made, name)
	s.names = slices.DeleteFunc(s.names, func(n string) bool { return n == name })
}

// add puts a column's definition after another column's, each of which has a line.
func (s *schema) add(table, definition, column, after string) error {
	lines := strings.Split(s.made[table], "\n")
	at := -1
	for i, line := range lines {
		switch first, _, _ := strings.Cut(strings.TrimSpace(line), " "); first {
		case column:
			return nil
		case after:
			at = i
		}
	}
	if at < 0 || !strings.HasSuffix(strings.TrimSpace(lines[at]), ",") {
		return fmt.Errorf("table %s has no line of column %s that another can follow", table, after)
	}
	s.made[table] = strings.Join(slices.Insert(lines, at+1, "    "+definition+","), "\n")
	return nil
}

// literal is a string as SQL has it.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
