package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/auth"
)

func tokenCommand(in *installation) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make tokens for people and programs"}
	var subject, role string
	create := &cobra.Command{
		Use:   "create --subject S --role viewer|operator|approver|admin|reporter",
		Short: "Make a token; it is printed once and kept only as a hash",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := auth.ParseRole(role)
			if err != nil {
				return err
			}
			if dsn := in.settings.Metadata.DSN; dsn == "" && !exists(in.path("metadata.db")) { // a token of an installation made just now opens nothing
				return fmt.Errorf("there is no installation in %s: `midwatch up` makes one, or say where it is with --data", in.settings.Data)
			}
			db, err := in.metadata(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			token, err := auth.CreateToken(cmd.Context(), db, subject, r)
			if err != nil {
				return err
			}
			if err := db.Audit(cmd.Context(), "cli", "token.create", subject, "done", string(r)); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), token)
			return nil
		},
	}
	create.Flags().StringVar(&subject, "subject", "", "whose token it is: a person or a program")
	create.Flags().StringVar(&role, "role", "viewer", "viewer, operator, approver, admin, or reporter (may only post alerts)")
	_ = create.MarkFlagRequired("subject")
	cmd.AddCommand(create)
	return cmd
}
