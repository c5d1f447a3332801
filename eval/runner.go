package eval

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/midwatch/midwatch/activities"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/recorded"
	"github.com/midwatch/midwatch/sandbox"
)

// near is how much two spans of time must have in common for the answer to the one to serve for the other.
const near = 0.8

// Ledger keeps model calls and hands their answers out; *metadata.DB is one.
type Ledger interface {
	llm.Ledger
	Exchanges(ctx context.Context, investigation string) ([]llm.Exchange, error)
}

// Config is what a runner needs.
type Config struct {
	Engine  sandbox.Engine
	Tools   *tools.Registry // their names, schemas and data types; none of them is run
	Analyst string          // investigation.AnalystBuiltin, or the name of a provider

	// Of a provider:
	Environment  string // whose policy says whether it may be asked
	Models       *gate.Selector
	Gate         *gate.Gate
	Ledger       Ledger // the gate's
	PseudonymKey []byte
	Hosts        []string // machine names that must not leave

	Log *slog.Logger // nil: none
}

// Runner has one analyst investigate cases.
type Runner struct {
	cfg Config
	run string // tells the calls of this run from those of others in the ledger
}

// New validates cfg.
func New(cfg Config) (*Runner, error) {
	if cfg.Engine == nil || cfg.Tools == nil || cfg.Analyst == "" {
		return nil, errors.New("eval: a sandbox engine, the tools and an analyst are needed")
	}
	model := cfg.Analyst != investigation.AnalystBuiltin
	if model && (cfg.Environment == "" || cfg.Models == nil || cfg.Gate == nil || cfg.Ledger == nil || len(cfg.PseudonymKey) == 0) {
		return nil, errors.New("eval: a model needs an environment with its policy, a gate, a ledger and a key for pseudonyms")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{cfg: cfg, run: time.Now().UTC().Format("20060102T150405.000")}, nil
}

// Result is what came of a case.
type Result struct {
	Case       string                  `json:"case"`
	Outcome    Outcome                 `json:"outcome"`
	Why        string                  `json:"why,omitempty"` // it is not right
	Verdict    investigation.Verdict   `json:"verdict,omitempty"`
	Culprit    string                  `json:"culprit,omitempty"`
	Mechanism  investigation.Mechanism `json:"mechanism,omitempty"`
	Confidence float64                 `json:"confidence"`
	Analyst    string                  `json:"analyst,omitempty"` // who concluded: another than asked when a model gave up
	Turns      int                     `json:"turns"`
	Calls      int                     `json:"calls"`      // of tools
	Unrecorded int                     `json:"unrecorded"` // of them: no recorded answer fits
	Tokens     int64                   `json:"tokens"`
	Cost       int64                   `json:"cost"` // millionths of a US dollar
	Took       time.Duration           `json:"took"`
	Report     *investigation.Report   `json:"report,omitempty"`
}

// Run investigates one case. An investigation that fails is a result; an error means that it could not be tried.
func (r *Runner) Run(ctx context.Context, c Case) (Result, error) {
	request := c.Request
	request.ID = fmt.Sprintf("eval-%s-%s", r.run, c.Name)
	request.Incident, request.Analyst, request.Replays = request.ID, r.cfg.Analyst, ""
	if r.cfg.Environment != "" {
		request.Environment = r.cfg.Environment
	}
	dir, err := os.MkdirTemp("", "midwatch-eval-")
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := scratch(ctx, dir)
	if err != nil {
		return Result{}, err
	}
	defer db.Close()
	if err := db.CreateInvestigation(ctx, request); err != nil {
		return Result{}, err
	}
	began := time.Now()
	failed := r.investigate(ctx, db, request, recorded.Registry(r.cfg.Tools, recorded.Config{Answers: c.Answers, Near: near}))
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	result, err := r.result(ctx, db, c, request.ID)
	result.Took = time.Since(began)
	if failed != nil {
		result.Outcome, result.Why = Failed, failed.Error()
	}
	return result, err
}

// scratch is a metadata store of one case.
func scratch(ctx context.Context, dir string) (*metadata.DB, error) {
	ring, err := seal.LoadRing(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	return metadata.Open(ctx, metadata.Config{DSN: "sqlite:" + filepath.Join(dir, "metadata.db"), Ring: ring})
}

// result reads what an investigation left.
func (r *Runner) result(ctx context.Context, db *metadata.DB, c Case, id string) (Result, error) {
	out := Result{Case: c.Name}
	inv, err := db.Investigation(ctx, id)
	if err != nil {
		return out, err
	}
	evidence, err := db.EvidenceList(ctx, id)
	if err != nil {
		return out, err
	}
	out.Turns = len(inv.Turns)
	for _, e := range evidence {
		if activities.IsControl(e) {
			continue
		}
		out.Calls++
		if strings.HasPrefix(e.Error, recorded.NotRecorded) {
			out.Unrecorded++
		}
	}
	if r.cfg.Ledger != nil {
		usage, cost, err := r.cfg.Ledger.Spent(ctx, llm.Call{Investigation: id})
		if err != nil {
			return out, err
		}
		out.Tokens, out.Cost = usage.Input+usage.Output+usage.CacheRead+usage.CacheWrite, cost
	}
	if inv.Report != nil {
		out.Report, out.Verdict, out.Culprit, out.Mechanism = inv.Report, inv.Report.Verdict, string(inv.Report.Culprit), inv.Report.Mechanism
		out.Confidence, out.Analyst = inv.Report.Confidence, inv.Report.Analyst
		out.Outcome, out.Why = Judge(c.Expect, *inv.Report)
	}
	return out, nil
}

// store is a case's own, but for the model calls, which are kept where every other call of the installation is.
type store struct {
	*metadata.DB
	ledger Ledger
}

func (s store) Exchanges(ctx context.Context, id string) ([]llm.Exchange, error) {
	return s.ledger.Exchanges(ctx, id)
}

func (s store) Attempts(ctx context.Context, c llm.Call) ([]llm.Entry, error) {
	return s.ledger.Attempts(ctx, c)
}
