package eval_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/eval"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/spoken"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/recorded"
	"github.com/midwatch/midwatch/workflows"
)

var (
	generate = flag.Bool("generate", false, "make the cases anew from the demo's recordings")
	only     = flag.String("only", "", "with -generate: cases whose names contain this")
	into     = flag.String("into", "cases", "with -generate: directory to make them in")
	seed     = flag.Uint64("seed", 1001, "with -generate: names of the first scene follow from it, the next scene takes the next")
)

// Times of a recording, and of an incident (workflows.Policy's defaults).
const (
	brokenAfter = 28 * time.Second
	scanEvery   = 5 * time.Second
	settled     = 8 * time.Second // debounce and settle
)

const environment = "demo"

// TestGenerate makes the cases: it plays the demo's recordings, changed as scenes_test.go says, through a real ingester into a
// real store, looks for triggers as the watch does, and keeps what the tools answer. `make eval-cases` runs it.
func TestGenerate(t *testing.T) {
	if !*generate {
		t.Skip("-generate makes the cases anew")
	}
	for _, s := range scenes() {
		if strings.Contains(s.name, *only) {
			t.Run(s.name, func(t *testing.T) { s.make(t) })
		}
	}
}

func (s scene) make(t *testing.T) {
	began := time.Now()
	names, err := plan.Random(s.seed)
	if err != nil {
		t.Fatal(err)
	}
	shop := shop{scene: s, plan: names, start: time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour), done: map[string]string{}}
	shop.dictionary()
	c := eval.Case{Name: s.name}
	whole := storetest.Open(t)
	feed(t, whole, shop.play)
	raised, now := watch(t, whole, shop, s)
	c.Request = s.request(shop, raised, now, onsetOf(t, whole, shop.renamed(s.question), names, now))
	seen := whole
	if s.withhold != "" {
		shop.without = s.withhold
		seen = storetest.Open(t)
		feed(t, seen, shop.play)
		c.Expect.Withheld = string(s.withhold)
	}
	s.expect(t, &c, names)
	var recorder recorded.Recorder
	registry := recorder.Registry(tools.All(seen))
	investigateLive(t, c.Request, registry)
	askAround(t, c.Request, registry, names)
	c.Answers = recorder.Answers()
	if err := c.Save(*into); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(*into, s.name, "answers.json.zst"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d triggers, %d answers, %d KB, %.0f s", len(c.Request.Triggers), len(c.Answers), info.Size()/1000, time.Since(began).Seconds())
}

// expect fills what a report should say, from the shop's own list of faults.
func (s scene) expect(t *testing.T, c *eval.Case, names plan.Plan) {
	t.Helper()
	c.Story = s.story
	if s.fault == "" {
		return
	}
	fault, err := judge.Find(names, s.fault)
	if err != nil {
		t.Fatal(err)
	}
	c.Story = strings.TrimSuffix(fault.Story+"; "+s.story, "; ")
	for _, culprit := range fault.Culprits {
		c.Expect.Culprits = append(c.Expect.Culprits, telemetry.Entity(culprit))
	}
	for _, mechanism := range fault.Mechanisms {
		c.Expect.Mechanisms = append(c.Expect.Mechanisms, investigation.Mechanism(mechanism))
	}
}

// watch scans as the schedule does and returns the triggers that the incident would have, and when it would investigate.
func watch(t *testing.T, db detect.Store, p shop, s scene) (raised []investigation.Trigger, now time.Time) {
	t.Helper()
	d, err := detect.New(detect.Config{Store: db, Environment: environment})
	if err != nil {
		t.Fatal(err)
	}
	known, alarmed := map[string]bool{}, time.Time{}
	for at := p.start.Add(4 * scanEvery); !at.After(p.start.Add(s.until())); at = at.Add(scanEvery) {
		for _, look := range []func() ([]investigation.Trigger, error){
			func() ([]investigation.Trigger, error) { return d.Deployments(t.Context(), at) },
			func() ([]investigation.Trigger, error) { return d.KernelEvents(t.Context(), at) },
			func() ([]investigation.Trigger, error) { return d.Alerts(t.Context(), at) },
			func() ([]investigation.Trigger, error) { return d.Anomalies(t.Context(), at) },
		} {
			found, err := look()
			if err != nil {
				t.Fatal(err)
			}
			for _, trigger := range found {
				if known[trigger.ID] || trigger.Kind == investigation.Deployment && trigger.Onset.Before(p.start.Add(scanEvery)) {
					continue
				}
				known[trigger.ID] = true
				raised = append(raised, trigger)
				if alarmed.IsZero() && trigger.Kind != investigation.Deployment {
					alarmed = at
				}
			}
		}
		if !alarmed.IsZero() && !s.late && at.Add(scanEvery).After(alarmed.Add(settled)) {
			return raised, alarmed.Add(settled)
		}
	}
	return raised, p.start.Add(s.until())
}

// request is what the incident, or a person, makes of it.
func (s scene) request(p shop, raised []investigation.Trigger, now, found time.Time) investigation.Request {
	r := investigation.Request{
		ID: s.name, Incident: s.name, Environment: environment, Requester: "midwatch", Triggers: raised, Budget: workflows.Policy{}.Budget(),
	}
	if s.question != "" || len(raised) == 0 {
		r.Question, r.Requester = p.renamed(s.question), "ann"
		asked := investigation.Trigger{
			ID: "manual-" + s.name, Kind: investigation.Manual, Environment: environment, Rule: "manual", Severity: investigation.Warning,
			Summary: r.Question, At: now,
		}
		asked.Onset = found
		if s.since != 0 {
			asked.Onset = p.start.Add(s.since)
		}
		r.Triggers = append([]investigation.Trigger{asked}, raised...)
		if s.question != "" && s.since == 0 {
			r.Triggers = r.Triggers[:1] // nothing but the question
		}
	}
	r.Fault, r.Healthy = workflows.Windows(r.Triggers, now)
	return r
}

// onsetOf is what the api finds for a question that names no time: when something began with what it names, or else with anything;
// zero if nothing did.
func onsetOf(t *testing.T, db detect.Store, question string, names plan.Plan, now time.Time) time.Time {
	t.Helper()
	d, err := detect.New(detect.Config{Store: db, Environment: environment})
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, program := range names.Programs {
		known = append(known, program.Name)
	}
	about, _ := spoken.Services(question, known)
	for _, services := range [][]string{about, nil} {
		w, ok, err := d.Began(t.Context(), detect.Scope{Services: services}, now)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return w.From
		}
	}
	return time.Time{}
}

// investigateLive runs the built-in analyst on the store, so that everything it asks, and the healthy counterpart of all that,
// is recorded.
func investigateLive(t *testing.T, r investigation.Request, registry *tools.Registry) {
	t.Helper()
	if r.Triggers == nil {
		t.Fatal("nothing was raised, and nobody asked")
	}
	for _, call := range builtinCalls(t, r, registry) {
		if err := ask(t.Context(), registry, r, call.Tool, call.Arguments); err != nil {
			t.Fatal(err)
		}
	}
}

// ask has a question answered, and its healthy counterpart. That there is no answer is one.
func ask(ctx context.Context, registry *tools.Registry, r investigation.Request, name string, arguments json.RawMessage) error {
	tool, err := registry.Get(name)
	if err != nil {
		return err
	}
	scope := tools.Scope{Environment: r.Environment}
	if _, err := tool.Run(ctx, scope, arguments); err != nil && !errors.Is(err, tools.ErrNoAnswer) {
		return fmt.Errorf("%s %s: %w", name, arguments, err)
	}
	if tool.Control == nil {
		return nil
	}
	if control, ok := tool.Control(arguments, r.Healthy); ok {
		if _, err := tool.Run(ctx, scope, control); err != nil && !errors.Is(err, tools.ErrNoAnswer) {
			return fmt.Errorf("%s %s: %w", name, control, err)
		}
	}
	return nil
}

// expressions are what is likely to be asked of query_metrics, most as its description and list_metrics suggest them.
var expressions = []string{
	"process_memory_usage",
	"process_cpu_utilization",
	"midwatch_process_run_delay",
	"midwatch_process_memory_limit",
	"process_memory_usage / on(instance) midwatch_process_memory_limit",
	"sum by (service) (process_memory_usage)",
	"sum by (service) (process_cpu_utilization)",
	"process_open_file_descriptor_count",
	"process_thread_count",
	"midwatch_tcp_connections",
	"midwatch_tcp_connect_failures",
	"system_cpu_utilization",
	"midwatch_system_pressure",
	"sum by (service) (rate(http_server_request_duration_count[2m]))",
	"histogram_quantile(0.95, sum by (le, service) (rate(http_server_request_duration_bucket[2m])))",
	"histogram_quantile(0.95, sum by (le, service) (rate(db_client_operation_duration_bucket[2m])))",
}

// askAround asks what another analyst is likely to ask: every tool about the windows of the request, of everybody and of each
// service.
func askAround(t *testing.T, r investigation.Request, registry *tools.Registry, names plan.Plan) {
	t.Helper()
	services := []string{"", names.Redis.Name, "postgres"}
	for role, program := range names.Programs {
		if role != plan.Load {
			services = append(services, program.Name)
		}
	}
	for _, name := range registry.Names() {
		tool, err := registry.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		schema := properties(t, tool)
		for _, service := range services {
			if _, can := schema["service"]; service != "" && !can {
				continue
			}
			for _, question := range questions(r, schema, service) {
				err := ask(t.Context(), registry, r, name, question)
				if aboutOne := service == "" && errors.Is(err, tools.ErrArguments); err != nil && !aboutOne {
					t.Fatal(err)
				}
			}
		}
	}
}

// questions are those to one tool about one service, or about all: over both windows, and each choice that must be made.
func questions(r investigation.Request, schema map[string]property, service string) (all []json.RawMessage) {
	about := map[string]any{}
	if service != "" {
		about["service"] = service
	}
	chosen := []map[string]any{about}
	for name, p := range schema {
		values := p.Enum
		if name == "expression" {
			values = expressions
		}
		if len(values) == 0 || slices.Contains(values, "") {
			continue
		}
		var more []map[string]any
		for _, value := range values {
			for _, c := range chosen {
				with := maps.Clone(c)
				with[name] = value
				more = append(more, with)
			}
		}
		chosen = more
	}
	for _, c := range chosen {
		if _, compares := schema["baseline_from"]; compares {
			all = append(all, arguments(c, r.Fault, &r.Healthy))
			continue
		}
		all = append(all, arguments(c, r.Fault, nil), arguments(c, r.Healthy, nil))
	}
	return all
}

// arguments adds times to others.
func arguments(others map[string]any, w investigation.Window, baseline *investigation.Window) json.RawMessage {
	a := maps.Clone(others)
	a["from"], a["to"] = w.From, w.To
	if baseline != nil {
		a["baseline_from"], a["baseline_to"] = baseline.From, baseline.To
	}
	b, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("times and texts: %v", err))
	}
	return b
}

// property is one argument of a tool.
type property struct {
	Enum []string `json:"enum"`
}

func properties(t *testing.T, tool tools.Tool) map[string]property {
	t.Helper()
	var schema struct {
		Properties map[string]property `json:"properties"`
	}
	if err := json.Unmarshal(tool.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	return schema.Properties
}
