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
	cmd.AddCommand(configCheck(in))
	return cmd
}

func configCheck(in *installation) *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: "Read a configuration file and what it points at, and say what is wrong", Args: wantsUpTo(0, 1),
		Long: `Reads a configuration file as every command does, and the files that it points at, and says what is wrong with the first that is.
Without FILE it is the one of --config or MIDWATCH_CONFIG.`,
		Example: "  midwatch config check midwatch.yaml",
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if cmd.Flags().Changed("config") && in.config != args[0] {
					return fmt.Errorf("two files to check, %s and %s: give one of them", in.config, args[0])
				}
				in.config = args[0]
			}
			return in.load(cmd)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { // that the file was understood, loading it has seen to
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
	}
}
