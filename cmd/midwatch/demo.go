package main

import (
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/deploy/demo"
)

func demoCommand() *cobra.Command {
	var fault, shopDir, into, ai string
	var yes, recorded bool
	cmd := &cobra.Command{Use: "demo", Short: "Break the demo shop, and see what Midwatch makes of it"}
	runs := &cobra.Command{
		Use: "run", Short: "The whole story: start everything, break the shop, investigate, approve, recover", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), demo.Config{
				Midwatch: beside("midwatch"), Shop: beside("shop"), Fault: fault, Yes: yes, Recorded: recorded, AI: ai,
				Ask: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Show: writeInvestigation,
			})
		},
	}
	runs.Flags().BoolVar(&recorded, "recorded", false, "play the recording of the fault, as where the kernel cannot be watched")
	records := &cobra.Command{
		Use: "record --fault NAME", Short: "Make the recording that is played where the kernel cannot be watched", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Record(cmd.Context(), demo.Config{Midwatch: beside("midwatch"), Shop: beside("shop"), Fault: fault, Out: cmd.OutOrStdout()}, into)
		},
	}
	records.Flags().StringVar(&fault, "fault", "", "which; without it one is drawn")
	records.Flags().StringVar(&into, "into", "deploy/demo/recordings", "directory of the recording")
	runs.Flags().StringVar(&fault, "fault", "", "which; without it one is drawn and not told until the end")
	runs.Flags().StringVar(&ai, "ai", "", "let a model decide: \"scripted\" (a script on this machine), or a file with a section ai: that lists real providers")
	runs.Flags().BoolVar(&yes, "yes", false, "approve the fix without asking")
	faults := &cobra.Command{
		Use: "fault NAME|clear|list", Short: "Break a shop that runs, or mend it", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := exec.CommandContext(cmd.Context(), beside("shop"), "fault", args[0], "--dir", shopDir)
			c.Stdout, c.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := c.Run(); err != nil {
				return fmt.Errorf("shop fault %s: %w", args[0], err)
			}
			return nil
		},
	}
	faults.Flags().StringVar(&shopDir, "shop", demo.ShopDir, "directory of the shop")
	cmd.AddCommand(runs, records, faults)
	return cmd
}
