package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/eval"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/native"
)

func evalCommand(in *installation) *cobra.Command {
	var analyst, only string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "eval DIR", Short: "Score an analyst on a directory of recorded cases", Args: wants(1),
		Long: `Has an analyst investigate every case of a directory and compares what it reports with what is known.

The built-in analyst needs nothing. A model provider of the configuration is asked only where an admin has switched AI on for
this environment and listed it; its calls are in the ledger and count in money.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := eval.LoadAll(args[0])
			if err != nil {
				return err
			}
			cfg, err := in.evaluation(cmd.Context(), analyst)
			if err != nil {
				return err
			}
			score, err := score(cmd, cfg, cases, only)
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetIndent("", "  ")
				return out.Encode(score)
			}
			return score.Write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&analyst, "analyst", investigation.AnalystBuiltin, "builtin, or the name of a configured model provider")
	cmd.Flags().StringVar(&only, "only", "", "cases whose names contain this")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON")
	return cmd
}

// score investigates case by case; one after another, as a provider's limits want it.
func score(cmd *cobra.Command, cfg eval.Config, cases []eval.Case, only string) (eval.Score, error) {
	runner, err := eval.New(cfg)
	if err != nil {
		return eval.Score{}, err
	}
	var results []eval.Result
	for n, c := range cases {
		if !strings.Contains(c.Name, only) {
			continue
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: %s\n", n+1, len(cases), c.Name)
		r, err := runner.Run(cmd.Context(), c)
		if err != nil {
			return eval.Score{}, fmt.Errorf("case %s: %w", c.Name, err)
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return eval.Score{}, fmt.Errorf("none of %d cases has %q in its name", len(cases), only)
	}
	return eval.Sum(cfg.Analyst, results), nil
}

// evaluation wires an analyst. A model is asked through the installation's own policy, gate and ledger.
func (in *installation) evaluation(ctx context.Context, analyst string) (cfg eval.Config, err error) {
	cfg = eval.Config{Tools: tools.All(nil, tools.RunProgram()), Analyst: analyst, Log: in.log}
	if cfg.Engine, err = native.New(native.Config{Program: in.settings.Worker.Analyst}); err != nil || analyst == investigation.AnalystBuiltin {
		return cfg, err
	}
	if !slices.ContainsFunc(in.settings.AI.Providers, func(p llm.ProviderConfig) bool { return p.Name == analyst }) {
		return cfg, fmt.Errorf("there is no analyst %q: it is %s, or the name of a model provider of the configuration", analyst, investigation.AnalystBuiltin)
	}
	meta, err := in.metadata(ctx)
	if err != nil {
		return cfg, err
	}
	names, err := in.ring("pseudonyms")
	if err != nil {
		return cfg, err
	}
	cfg.Environment, cfg.Ledger, cfg.PseudonymKey, cfg.Hosts = in.settings.Environment, meta, names.Newest(), []string{hostName()}
	cfg.Models = &gate.Selector{Policies: meta, Accounts: in.settings.AI.Providers}
	if _, _, err := cfg.Models.Allowed(ctx, cfg.Environment, analyst); err != nil {
		return cfg, err
	}
	cfg.Gate, err = in.gate(meta, analyst)
	return cfg, err
}
