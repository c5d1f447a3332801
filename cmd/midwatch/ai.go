package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
)

func aiCommand(in *installation) *cobra.Command {
	r := &remote{in: in}
	cmd := &cobra.Command{
		Use: "ai", Short: "Whether models may decide, who they are, what they may see, and what was sent",
		Long: `What leaves this machine for a model, when, to whom and how to see it is in docs/ai.md. Off until an admin switches it on.

  midwatch ai status                                            what is on, and who gets what
  midwatch ai enable --provider NAME --types traces,metrics     shows the provider's terms and asks
  midwatch ai disable                                           within a second, for running investigations too
  midwatch ai ledger                                            every call; with an id: all that was said`,
	}
	r.flags(cmd)
	cmd.PersistentFlags().StringVar(&r.environment, "environment", "", "the environment (default: the one of the configuration)")
	cmd.AddCommand(
		&cobra.Command{Use: "status", Short: "What is on, and who gets what", Args: cobra.NoArgs, RunE: r.aiStatus},
		r.aiEnable(),
		&cobra.Command{Use: "disable", Short: "Switch AI off at once, for running investigations too", Args: cobra.NoArgs, RunE: r.aiDisable},
		r.aiLedger())
	return cmd
}

// env is the environment a command is about.
func (r *remote) env() string {
	if r.environment != "" {
		return r.environment
	}
	return r.in.settings.Environment
}

// aiDisable is one request that needs nothing to be known.
func (r *remote) aiDisable(cmd *cobra.Command, _ []string) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	off := false
	if _, err := c.PutAI(cmd.Context(), r.env(), wire.PutAI{Enabled: &off}); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "AI is off in %s. Calls in flight are being closed; the built-in analyst goes on.\n", r.env())
	return nil
}

func (r *remote) aiStatus(cmd *cobra.Command, _ []string) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	ai, providers, err := readAI(cmd.Context(), c, r.env())
	if err != nil {
		return err
	}
	return writeAI(cmd.OutOrStdout(), ai, providers)
}

func readAI(ctx context.Context, c *client.Client, environment string) (wire.AI, []wire.Provider, error) {
	ai, err := c.AI(ctx, environment)
	if err != nil {
		return ai, nil, err
	}
	list, err := c.Providers(ctx)
	return ai, list.Providers, err
}

func (r *remote) aiEnable() *cobra.Command {
	var names, data []string
	var yes bool
	cmd := &cobra.Command{
		Use: "enable --provider NAME[,NAME] --data TYPE[,TYPE]", Args: cobra.NoArgs,
		Short: "Show what will leave, to whom and under which terms, ask, and switch AI on",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.client()
			if err != nil {
				return err
			}
			_, providers, err := readAI(cmd.Context(), c, r.env())
			if err != nil {
				return err
			}
			change, err := enabling(cmd.OutOrStdout(), r.env(), providers, names, data)
			if err != nil {
				return err
			}
			if !yes && !confirmed(cmd, "\nDo you confirm these terms, and switch AI on? [y/N] ") {
				fmt.Fprintln(cmd.OutOrStdout(), "Nothing was changed.")
				return nil
			}
			if _, err := c.PutAI(cmd.Context(), r.env(), change); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "AI is on in %s. `midwatch ai disable` switches it off within a second.\n", r.env())
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&names, "provider", nil, "who may be asked, the first is asked first")
	cmd.Flags().StringSliceVar(&data, "types", nil, "types of data that a model may see: "+kinds())
	cmd.Flags().BoolVar(&yes, "yes", false, "confirm the terms without being asked")
	_ = cmd.MarkFlagRequired("provider")
	_ = cmd.MarkFlagRequired("types")
	return cmd
}

// enabling shows what switching AI on means, and returns the change that does it.
func enabling(w io.Writer, environment string, providers []wire.Provider, names, data []string) (wire.PutAI, error) {
	for _, d := range data {
		if !slices.Contains(investigation.DataTypes(), investigation.DataType(d)) {
			return wire.PutAI{}, fmt.Errorf("there is no type of data %q; types are %s", d, kinds())
		}
	}
	on := true
	change := wire.PutAI{Enabled: &on, Providers: names, DataTypes: data}
	fmt.Fprintf(w, "Investigations that begin in %s will be decided by a model. It will see: %s.\n", line(environment), line(strings.Join(data, ", ")))
	for n, name := range names {
		p, ok := providerOf(providers, name)
		if !ok {
			return change, fmt.Errorf("provider %s is not configured; `midwatch ai status` lists those that are", name)
		}
		order := "First asked"
		if n > 0 {
			order = "Then"
		}
		fmt.Fprintf(w, "\n%s: %s, %s at %s, account %q\n", order, line(p.Name), line(p.Model), line(p.Address), line(p.Account))
		fmt.Fprintf(w, "  Terms: %s\n", strings.TrimSpace(wrap(line(p.Terms), "         ")))
		change.Confirm = append(change.Confirm, wire.Confirm{Provider: p.Name, Terms: p.Terms})
	}
	if len(names) == 0 {
		return change, errors.New("no provider: --provider names who may be asked")
	}
	return change, nil
}

func providerOf(providers []wire.Provider, name string) (wire.Provider, bool) {
	for _, p := range providers {
		if p.Name == name {
			return p, true
		}
	}
	return wire.Provider{}, false
}

// writeAI says in words what is on, what leaves and to whom.
func writeAI(w io.Writer, ai wire.AI, providers []wire.Provider) error {
	if ai.Active {
		fmt.Fprintf(w, "AI is on in %s: a model decides the investigations that begin now.\n", line(ai.Environment))
	} else {
		fmt.Fprintf(w, "AI is not used in %s: %s. Nothing leaves this machine for a model.\n", line(ai.Environment), line(ai.Inactive))
	}
	if ai.UpdatedBy != "" {
		fmt.Fprintf(w, "Decided by %s, %s.\n", line(ai.UpdatedBy), ai.UpdatedAt.Local().Format(time.DateTime))
	}
	fmt.Fprintf(w, "A model may see: %s.\n", orNone(ai.DataTypes))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(ai.Providers) > 0 {
		fmt.Fprintln(t, "\nASKED\tPROVIDER\tMODEL\tACCOUNT\tTERMS CONFIRMED\tNOTE")
	}
	for n, l := range ai.Providers {
		p, _ := providerOf(providers, l.Name)
		order, by := "no", "no"
		if l.Asked {
			order = fmt.Sprint(n + 1)
		}
		if l.ConfirmedBy != "" {
			by = line(l.ConfirmedBy) + ", " + l.ConfirmedAt.Local().Format(time.DateOnly)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", order, line(l.Name), line(p.Model), line(p.Account), by, line(l.Why))
	}
	if rest := unlisted(ai, providers); len(rest) > 0 {
		fmt.Fprintln(t, "\nNOT LISTED\tKIND\tMODEL\tACCOUNT\tNOTE")
		for _, p := range rest {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", line(p.Name), p.Kind, line(p.Model), line(p.Account), line(p.Unusable))
		}
	}
	return t.Flush()
}

func unlisted(ai wire.AI, providers []wire.Provider) (rest []wire.Provider) {
	for _, p := range providers {
		listed := false
		for _, l := range ai.Providers {
			listed = listed || l.Name == p.Name
		}
		if !listed {
			rest = append(rest, p)
		}
	}
	return rest
}

func orNone(types []investigation.DataType) string {
	if len(types) == 0 {
		return "nothing"
	}
	text := make([]string, len(types))
	for i, t := range types {
		text[i] = line(string(t))
	}
	return strings.Join(text, ", ")
}

// kinds names every kind of data.
func kinds() string { return orNone(investigation.DataTypes()) }
