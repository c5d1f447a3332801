package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// remote is how the client commands reach the api.
type remote struct {
	in          *installation
	url         string
	tokenFile   string
	environment string // of the ai commands; "": the configured one
}

func (r *remote) flags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&r.url, "url", "", "address of the api (default https://<api.listen>)")
	cmd.PersistentFlags().StringVar(&r.tokenFile, "token-file", "", "file that holds a token (default: MIDWATCH_TOKEN)")
}

func (r *remote) client() (*client.Client, error) {
	token := os.Getenv("MIDWATCH_TOKEN")
	if r.tokenFile != "" {
		b, err := os.ReadFile(r.tokenFile)
		if err != nil {
			return nil, err
		}
		token = strings.TrimSpace(string(b))
	}
	if token == "" {
		return nil, errors.New("no token: set MIDWATCH_TOKEN or --token-file; `midwatch token create --subject you --role approver` makes one")
	}
	base := r.url
	if base == "" {
		base = "https://" + r.in.settings.API.Listen
	}
	trust, err := pki.Trust(r.in.path("pki"), pki.API)
	if err != nil {
		return nil, err
	}
	return client.New(base, trust, token), nil
}

func investigationsCommand(in *installation) *cobra.Command {
	r := &remote{in: in}
	cmd := &cobra.Command{Use: "investigations", Aliases: []string{"inv"}, SuggestFor: []string{"incidents", "incident", "reports", "list", "show", "approve"}, Short: "List, show, ask about, approve, reject and cancel"}
	r.flags(cmd)
	var reason string
	var yes bool
	reject := &cobra.Command{
		Use: "reject ID --reason TEXT", Short: "Reject the fix an investigation proposes", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.decide(cmd, args[0], true, func(c *client.Client, f investigation.Fix) (wire.Decision, error) {
				return c.Reject(cmd.Context(), f.ID, f.Digest, reason)
			})
		},
	}
	reject.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit log")
	_ = reject.MarkFlagRequired("reason")
	approve := &cobra.Command{
		Use: "approve ID", Short: "Show the fix an investigation proposes, ask, and approve it", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.decide(cmd, args[0], yes, func(c *client.Client, f investigation.Fix) (wire.Decision, error) {
				return c.Approve(cmd.Context(), f.ID, f.Digest)
			})
		},
	}
	approve.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "List investigations, newest first", Args: cobra.NoArgs, RunE: r.list},
		&cobra.Command{Use: "show ID", Short: "Show the report, its claims and evidence, and the fix", Args: wants(1), RunE: r.show},
		r.askCommand(),
		approve,
		reject,
		&cobra.Command{Use: "cancel ID", Short: "Cancel an investigation that runs, and its incident", Args: wants(1), RunE: r.cancel})
	return cmd
}

func (r *remote) list(cmd *cobra.Command, _ []string) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	list, err := c.Investigations(cmd.Context())
	if err != nil {
		return err
	}
	if len(list.Investigations) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "Nothing was investigated yet.")
		return nil
	}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSTARTED\tSTATUS\tVERDICT\tCULPRIT\tTITLE")
	for _, i := range list.Investigations {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", i.ID, i.StartedAt.Local().Format(time.DateTime), i.Status, i.Verdict, line(string(i.Culprit)), line(i.Title))
	}
	return t.Flush()
}

func (r *remote) show(cmd *cobra.Command, args []string) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	id, err := investigationOf(cmd, c, args[0])
	if err != nil {
		return err
	}
	inv, err := c.Investigation(cmd.Context(), id)
	if err != nil {
		return err
	}
	writeInvestigation(cmd.OutOrStdout(), inv)
	return nil
}

// investigationOf is the investigation that a person means who may have given the id of its incident.
func investigationOf(cmd *cobra.Command, c *client.Client, id string) (string, error) {
	if !strings.HasPrefix(id, workflows.IncidentPrefix) {
		return id, nil
	}
	found, err := c.Incident(cmd.Context(), id)
	if err != nil {
		return "", err
	}
	if found.Investigation == nil {
		return "", fmt.Errorf("%s is an incident, %s, that has no investigation yet; `midwatch investigations list` shows those that there are",
			id, line(found.Incident.Title))
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s is an incident; its investigation is %s\n", id, found.Investigation.ID)
	return found.Investigation.ID, nil
}

func (r *remote) cancel(cmd *cobra.Command, args []string) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	id, err := investigationOf(cmd, c, args[0])
	if err != nil {
		return err
	}
	if _, err := c.Cancel(cmd.Context(), id); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is being cancelled. What it found so far stays.\n", id)
	return nil
}

// decide shows the fix that waits and hands it to what the person asked for.
func (r *remote) decide(cmd *cobra.Command, id string, sure bool, do func(*client.Client, investigation.Fix) (wire.Decision, error)) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	if id, err = investigationOf(cmd, c, id); err != nil {
		return err
	}
	inv, err := c.Investigation(cmd.Context(), id)
	if err != nil {
		return err
	}
	for _, f := range inv.Fixes {
		if f.Status != "awaiting_approval" {
			continue
		}
		writeFix(cmd.OutOrStdout(), f)
		if !sure && !confirmed(cmd, "\nApprove this fix? [y/N] ") {
			fmt.Fprintln(cmd.OutOrStdout(), "Nothing was decided.")
			return nil
		}
		d, err := do(c, f)
		if err != nil {
			return err
		}
		said := "decided"
		if missing := d.Needed - d.Given - 1; d.Approved && missing > 0 {
			said = fmt.Sprintf("approved; %d more of %d people have to, until %s", missing, d.Needed, d.ExpiresAt.Local().Format("15:04"))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s. `midwatch investigations show %s` follows it.\n", f.ID, said, id)
		return nil
	}
	return fmt.Errorf("%s has no fix that waits for approval", id)
}

// confirmed asks a person; anything but yes is no.
func confirmed(cmd *cobra.Command, question string) bool {
	fmt.Fprint(cmd.OutOrStdout(), question)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
}

func investigateCommand(in *installation) *cobra.Command {
	r := &remote{in: in}
	var service string
	cmd := &cobra.Command{
		Use: "investigate \"question\"", Short: "Start an investigation by hand and wait for its report", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(args[0]) == "" {
				return errors.New("there is no question; ask in words, such as \"why was checkout slow since 14:00?\"")
			}
			c, err := r.client()
			if err != nil {
				return err
			}
			asked, err := c.Ask(cmd.Context(), args[0], service)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "investigation %s\n", asked.Investigation)
			writeUnderstood(cmd.ErrOrStderr(), asked)
			return follow(cmd.Context(), c, asked.Investigation, cmd.ErrOrStderr(), cmd.OutOrStdout())
		},
	}
	r.flags(cmd)
	cmd.Flags().StringVar(&service, "service", "", "the service it is about, when you know")
	return cmd
}

// appearWithin bounds the time from a question to the start of its investigation.
const appearWithin = time.Minute

// follow prints the steps of an investigation as they come, and then its report.
func follow(ctx context.Context, c *client.Client, id string, progress, out io.Writer) error {
	deadline := time.Now().Add(appearWithin)
	for {
		_, err := c.Investigation(ctx, id)
		if err == nil {
			break
		}
		if !errors.Is(err, client.ErrNotFound) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return followTurns(ctx, c, id, progress, out)
}
