package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
)

func tokenCommand(in *installation) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make, list and revoke tokens for people and programs"}
	cmd.AddCommand(tokenCreateCommand(in), &cobra.Command{
		Use: "list", Short: "List tokens, newest first; what opens is not among it, only its hash is kept", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return in.withTokens(cmd.Context(), func(db *metadata.DB) error { return listTokens(cmd.Context(), db, cmd.OutOrStdout(), time.Now()) })
		},
	}, &cobra.Command{
		Use: "revoke ID", Short: "Make a token, and the browsers signed in with it, worthless from now on", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return in.withTokens(cmd.Context(), func(db *metadata.DB) error {
				if err := db.RevokeToken(cmd.Context(), args[0]); err != nil {
					return fmt.Errorf("revoke %s: %w (`midwatch token list` shows the ids)", args[0], err)
				}
				return db.Audit(cmd.Context(), "cli", "token.revoke", args[0], "done", "")
			})
		},
	})
	return cmd
}

func tokenCreateCommand(in *installation) *cobra.Command {
	var grant auth.Grant
	var role string
	var life length
	cmd := &cobra.Command{
		Use:   "create --subject S --role viewer|operator|approver|admin|reporter|sender",
		Short: "Make a token; it is printed once and kept only as a hash",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if grant.Role, err = auth.ParseRole(role); err != nil {
				return err
			}
			if cmd.Flags().Changed("expires") {
				if life <= 0 { // what a computed time comes to must not open for ever
					return fmt.Errorf("--expires %s: want a time from now, such as 30d; without it the token opens until it is revoked", time.Duration(life))
				}
				grant.ExpiresAt = time.Now().Add(time.Duration(life)).UTC()
			}
			return in.withTokens(cmd.Context(), func(db *metadata.DB) error {
				text, _, err := auth.Create(cmd.Context(), db, grant)
				if err != nil {
					return err
				}
				if err := db.Audit(cmd.Context(), "cli", "token.create", grant.Subject, "done", role); err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&grant.Subject, "subject", "", "whose token it is: a person or a program")
	cmd.Flags().StringVar(&role, "role", "viewer", "viewer, operator, approver, admin, reporter (may only post alerts) or sender (may only send telemetry)")
	cmd.Flags().Var(&life, "expires", "how long it opens anything, such as 30d (default: until it is revoked)")
	cmd.Flags().StringVar(&grant.Environment, "environment", "", "of a sender: where its telemetry goes, whatever it says itself")
	cmd.Flags().Int64Var(&grant.Limits.BytesPerSecond, "bytes-per-second", 0, "of a sender: what it may bring, decompressed; ten seconds' worth at once (default: no limit)")
	cmd.Flags().Int64Var(&grant.Limits.RequestsPerSecond, "requests-per-second", 0, "of a sender: how many requests; ten seconds' worth at once (default: no limit)")
	cmd.Flags().Int64Var(&grant.Limits.Series, "series", 0, "of a sender: how many series of metrics; others are rejected (default: its environment's limit)")
	_ = cmd.MarkFlagRequired("subject")
	return cmd
}

// withTokens opens the metadata store of an installation that is there.
func (in *installation) withTokens(ctx context.Context, use func(*metadata.DB) error) error {
	if dsn := in.settings.Metadata.DSN; dsn == "" && !exists(in.path("metadata.db")) { // a token of an installation made just now opens nothing
		return fmt.Errorf("there is no installation in %s: `midwatch up` makes one, or say where it is with --data", in.settings.Data)
	}
	db, err := in.metadata(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	return use(db)
}

func listTokens(ctx context.Context, db *metadata.DB, out io.Writer, now time.Time) error {
	tokens, err := db.ListTokens(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSUBJECT\tROLE\tENVIRONMENT\tMADE\tSTATE")
	for _, k := range tokens {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, line(k.Subject), k.Role, cmp.Or(line(k.Environment), "-"), k.CreatedAt.Local().Format(time.DateTime), tokenState(k, now))
	}
	return t.Flush()
}

func tokenState(t metadata.Token, now time.Time) string {
	switch {
	case !t.RevokedAt.IsZero():
		return "revoked"
	case t.ExpiresAt.IsZero():
		return "valid"
	case t.ExpiresAt.After(now):
		return "valid until " + t.ExpiresAt.Local().Format(time.DateTime)
	default:
		return "expired"
	}
}
