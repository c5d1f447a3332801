// Command midwatch is every part of Midwatch and the tool that talks to them: flags, environment and wiring, nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run is the program; its result is the exit code.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	var silent exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &silent):
		return int(silent)
	}
	fmt.Fprintln(os.Stderr, "error:", err)
	return 1
}

// exitCode is an error that has been shown already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func root() *cobra.Command {
	var in installation
	cmd := &cobra.Command{
		Use:   "midwatch",
		Short: "Watches a machine from the kernel, and finds out why it broke",
		Long: `Midwatch watches every process of a machine from the kernel, without instrumentation, and when something breaks
it investigates and writes a report whose every claim carries evidence.

  midwatch up                     start everything on this machine
  midwatch doctor                 what this machine can do
  midwatch investigations list    what was found`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return in.load(cmd)
		},
	}
	cmd.SetVersionTemplate("midwatch {{.Version}}\n")
	in.flags(cmd)
	cmd.AddCommand(upCommand(&in), doctorCommand(&in), configCommand(&in), tokenCommand(&in), secretsCommand(&in), sandboxProfileCommand(), versionCommand())
	for _, c := range partCommands(&in) {
		c.GroupID = "parts"
		cmd.AddCommand(c)
	}
	cmd.AddGroup(&cobra.Group{ID: "parts", Title: "Parts (`midwatch up` runs them all):"})
	cmd.AddCommand(investigationsCommand(&in), investigateCommand(&in), replayCommand(&in), evalCommand(&in), aiCommand(&in), settingsCommand(&in), rulesCommand(&in), demoCommand(), pcapCommand(), kubernetesCommand(&in), recordCommand(&in), playCommand(&in))
	for _, c := range cmd.Commands() {
		if c.HasSubCommands() && !c.Runnable() {
			group(c)
		}
	}
	return cmd
}

// logger writes to stderr: results are on stdout.
func logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
