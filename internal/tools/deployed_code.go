package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// deployedSQL gathers what the processes of a service say about their code, from the points that the node agent sends every
// few seconds and from spans, which an instrumented program sends itself.
const deployedSQL = `
WITH series AS (
    SELECT DISTINCT series_id, mapFilter((k, v) -> has({names:Array(String)}, k), resource) AS code
    FROM metric_series WHERE name = 'process.memory.usage' AND service = {service:String} AND ` + seriesWindow + `)
SELECT mapKeys(code) AS keys, mapValues(code) AS values, min(time) AS first, max(time) AS last
FROM (
    SELECT arrayJoin([first_time, last_time]) AS time, code FROM (
        SELECT series_id, min(time) AS first_time, max(time) AS last_time FROM metric_samples WHERE ` + wanted + ` AND ` + timeWindow + ` GROUP BY series_id
    ) AS samples INNER JOIN series USING (series_id)
    UNION ALL
    SELECT time, mapFilter((k, v) -> has({names:Array(String)}, k), resource) AS code
    FROM spans WHERE service = {service:String} AND ` + inWindow + `)
GROUP BY keys, values
ORDER BY first, keys, values
LIMIT 200`

type deployedArguments struct {
	window
	Service string `json:"service"`
}

func (a deployedArguments) validate() error {
	if a.Service == "" {
		return fmt.Errorf("%w: service is required", ErrArguments)
	}
	return a.window.validate()
}

type deployedRow struct {
	Keys   []string  `ch:"keys"`
	Values []string  `ch:"values"`
	First  time.Time `ch:"first"`
	Last   time.Time `ch:"last"`
}

// DeployedCode returns the tool that says which commit a service ran. It reads telemetry, so it belongs to the tools role;
// what it names is for the tools of Code to read.
func DeployedCode(db Store, sources code.Sources) Tool {
	return Tool{
		Name:        "deployed_code",
		Description: "Says which repository and commits a service ran in a window, oldest first: what repository_tree, read_file, search_code, commits_between, diff_versions and blame have to be asked with.",
		Schema:      schema(false, map[string]any{"service": text("the service, required")}),
		DataTypes:   []investigation.DataType{investigation.Configuration},
		Cost:        1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[deployedArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			names := append(code.Attributes(), telemetry.ServiceVersion)
			rows, text, err := query[deployedRow](ctx, db, deployedSQL, append(in(scope, a.window), param{"service", a.Service}, param{"names", names}))
			if err != nil {
				return Result{}, err
			}
			d := deployed(a.Service, rows, sources)
			return Result{Summary: d.summary(), Query: text, Window: a.public(), Data: d.DeployedCode}, nil
		},
		Control: controlWindow,
	}
}

type deployedCode struct{ result.DeployedCode }

func (d deployedCode) summary() string {
	var names []string
	for _, v := range d.Versions {
		if v.Commit != "" {
			names = append(names, fmt.Sprintf("%.12s", v.Commit))
		}
	}
	if d.Missing != "" {
		return d.Service + ": " + d.Missing
	}
	return fmt.Sprintf("%s is %s, ran %s", d.Service, d.Repository, strings.Join(names, ", then "))
}

// deployed joins what is the same version.
func deployed(service string, rows []deployedRow, sources code.Sources) deployedCode {
	d := deployedCode{result.DeployedCode{Service: service, Versions: []result.CodeVersion{}}}
	place := sources.Place(service, nil)
	for _, row := range rows {
		attributes := maps.Collect(zip(row.Keys, row.Values))
		if p := sources.Place(service, attributes); p.Repository != "" || place.Repository == "" {
			place = p // a service that moved is where it is now
		}
		commit, origin, dirty := sources.Version(attributes)
		v := result.CodeVersion{
			Commit: commit, Origin: origin, Version: attributes[telemetry.ServiceVersion], First: row.First.UTC(), Last: row.Last.UTC(), Dirty: dirty,
		}
		i := slices.IndexFunc(d.Versions, func(o result.CodeVersion) bool { return o.Commit == v.Commit && o.Version == v.Version })
		if i < 0 {
			d.Versions = append(d.Versions, v)
			continue
		}
		d.Versions[i].First, d.Versions[i].Last = earlier(d.Versions[i].First, v.First), later(d.Versions[i].Last, v.Last)
	}
	d.Repository, d.Path, d.Origin, d.Missing = string(place.Repository), place.Path, place.Origin, place.Why
	known := func(v result.CodeVersion) bool { return v.Commit != "" }
	switch {
	case len(d.Versions) == 0:
		d.Missing = "nothing of it was seen in this window"
	case d.Missing == "" && !slices.ContainsFunc(d.Versions, known):
		d.Missing = "no label, annotation or build information says which commit it was built from"
	}
	return d
}

func zip(keys, values []string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for i := range min(len(keys), len(values)) {
			if !yield(keys[i], values[i]) {
				return
			}
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
