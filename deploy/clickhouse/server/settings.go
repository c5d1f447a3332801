package server

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

const (
	readonly   = "readonly"
	logComment = "log_comment"
)

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// apply makes the settings of a query those of the session. Most queries of a client carry the same ones, so only what
// differs from the query before is set.
func (x *session) apply(settings []proto.Setting) error {
	wanted := map[string]string{logComment: x.name}
	important := map[string]bool{}
	for _, s := range settings {
		if !settingName.MatchString(s.Key) {
			return unknownSetting(s.Key)
		}
		if s.Key == logComment {
			s.Value = x.name + " " + s.Value
		}
		wanted[s.Key], important[s.Key] = s.Value, s.Important
	}
	if _, locked := x.applied[readonly]; locked {
		if err := x.reopen(); err != nil {
			return err
		}
	}
	changes := difference(x.applied, wanted)
	if err := x.set(changes, important); err != nil {
		x.applied = unknownState(x.applied, wanted)
		return err
	}
	x.applied = wanted
	return nil
}

func unknownSetting(key string) error {
	return &engine.Exception{
		Code:    engine.CodeUnknownSetting,
		Message: fmt.Sprintf("DB::Exception: Setting %.100q is neither a builtin setting nor a valid name. (UNKNOWN_SETTING)", key),
	}
}

// difference lists the assignments that lead from one set of settings to another; readonly last, for nothing can be set after it.
func difference(from, to map[string]string) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[k]; !ok {
			out = append(out, k+" = DEFAULT")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(to)) {
		if old, ok := from[k]; k != readonly && (!ok || old != to[k]) {
			out = append(out, k+" = "+literal(to[k]))
		}
	}
	if v, ok := to[readonly]; ok {
		out = append(out, readonly+" = "+literal(v))
	}
	return out
}

// unknownState is what may be set after an assignment was refused half-way: everything is set anew next time.
func unknownState(from, to map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{from, to} {
		for k := range m {
			out[k] = "\x00"
		}
	}
	return out
}

func (x *session) set(changes []string, important map[string]bool) error {
	if len(changes) == 0 {
		return nil
	}
	err := x.engine.Exec("SET " + strings.Join(changes, ", "))
	if !isUnknownSetting(err) {
		return err
	}
	for _, one := range changes { // an unknown setting is an error only if the client says so
		name, _, _ := strings.Cut(one, " ")
		if err := x.engine.Exec("SET " + one); err != nil && (important[name] || !isUnknownSetting(err)) {
			return err
		}
	}
	return nil
}

func isUnknownSetting(err error) bool {
	var e *engine.Exception
	return errors.As(err, &e) && e.Code == engine.CodeUnknownSetting
}

// reopen starts the session anew in the same database, because readonly cannot be undone.
func (x *session) reopen() error {
	db, err := x.engine.Text("SELECT currentDatabase()", "TSVRaw")
	if err != nil {
		return err
	}
	fresh, err := x.cfg.Open()
	if err != nil {
		return err
	}
	x.engine.Close()
	x.engine, x.applied = fresh, map[string]string{}
	return x.engine.Exec("USE " + identifier(strings.TrimSuffix(db, "\n")))
}
