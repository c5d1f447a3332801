package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/api/wire"
)

// settingsCommand shows and changes what an admin can change while everything runs.
func settingsCommand(in *installation) *cobra.Command {
	r := &remote{in: in}
	var change wire.PutSettings
	cmd := &cobra.Command{
		Use: "settings [--telemetry DAYS] [--ledger DAYS] [--investigations DAYS]", Short: "Show or change how long things are kept", Args: cobra.NoArgs,
		Long: `Shows how long telemetry, model calls and investigations are kept, or changes it. What is older is deleted within an hour.

  midwatch settings
  midwatch settings --investigations 730`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for flag, days := range map[string]int{"telemetry": change.RetentionDays, "ledger": change.LedgerDays, "investigations": change.InvestigationDays} {
				if cmd.Flags().Changed(flag) && days < 1 {
					return fmt.Errorf("--%s %d: want a number of days, at least 1; nothing can be kept for no time, or for ever", flag, days)
				}
			}
			c, err := r.client()
			if err != nil {
				return err
			}
			kept, err := c.Settings(cmd.Context())
			if err == nil && change != (wire.PutSettings{}) {
				kept, err = c.PutSettings(cmd.Context(), change)
			}
			if err != nil {
				return err
			}
			return writeSettings(cmd.OutOrStdout(), kept)
		},
	}
	r.flags(cmd)
	cmd.Flags().IntVar(&change.RetentionDays, "telemetry", 0, "days that spans, metrics, logs and events are kept")
	cmd.Flags().IntVar(&change.LedgerDays, "ledger", 0, "days that model calls are kept")
	cmd.Flags().IntVar(&change.InvestigationDays, "investigations", 0, "days that ended investigations are kept, at least as many as model calls")
	return cmd
}

func writeSettings(w io.Writer, s wire.Settings) error {
	_, err := fmt.Fprintf(w, "telemetry       %d days\nmodel calls     %d days\ninvestigations  %d days after their end\n",
		s.RetentionDays, s.LedgerDays, s.InvestigationDays)
	return err
}
