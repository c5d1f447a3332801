package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// wants takes exactly so many arguments, and says how the command is used when there are others.
func wants(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("%d arguments where %d are wanted; usage: %s", len(args), n, cmd.UseLine())
	}
}

// group makes a command that only holds others: a word that is none of them is a mistake, not a wish for help.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%s has no command %q; `%s --help` lists them", cmd.CommandPath(), args[0], cmd.CommandPath())
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
