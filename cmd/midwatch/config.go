package main

import (
	_ "embed"
	"fmt"

	"github.com/spf13/cobra"
)

//go:embed example.yaml
var exampleYAML string

func configCommand(in *installation) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "The configuration file"}
	cmd.AddCommand(&cobra.Command{
		Use: "example", Short: "Print the configuration file with every key, its default and what it means", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), exampleYAML)
			return err
		},
	})
	cmd.AddCommand(&cobra.Command{
		Use: "check", Short: "Read the configuration file and what it points at, and say what is wrong", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { // that the file was understood, every command has seen to
			if err := in.settings.checkFiles(); err != nil {
				return err
			}
			file := in.config
			if file == "" {
				file = "no configuration file: the defaults"
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", file)
			return err
		},
	})
	return cmd
}
