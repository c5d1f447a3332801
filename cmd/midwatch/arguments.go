package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/spoken"
)

// length is a flag for a length of time as people write it: 90s, 12h, 30d.
type length time.Duration

// Set reads the flag.
func (l *length) Set(text string) error {
	d, err := spoken.Duration(text)
	*l = length(d)
	return err
}

// Type is how the help calls it.
func (l *length) Type() string { return "duration" }

// String is empty for a flag that is not given.
func (l *length) String() string {
	if *l == 0 {
		return ""
	}
	return time.Duration(*l).String()
}

// wants takes exactly so many arguments, and says how the command is used when there are others.
func wants(n int) cobra.PositionalArgs { return wantsUpTo(n, n) }

// wantsUpTo takes at least and at most so many.
func wantsUpTo(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if least <= len(args) && len(args) <= most {
			return nil
		}
		wanted := strconv.Itoa(most)
		switch {
		case least == 0:
			wanted = fmt.Sprintf("at most %d", most)
		case least < most:
			wanted = fmt.Sprintf("%d to %d", least, most)
		}
		return fmt.Errorf("%d %s given, wanted %s; usage: %s", len(args), plural(len(args), "argument"), wanted, cmd.UseLine())
	}
}

// group makes a command that only holds others: a word that is none of them is a mistake, not a wish for help.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2 // letters
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		for _, meant := range cmd.SuggestionsFor(args[0]) {
			return fmt.Errorf("%s has no command %q; did you mean `%s %s`?", cmd.CommandPath(), args[0], cmd.CommandPath(), meant)
		}
		return fmt.Errorf("%s has no command %q; `%s --help` lists them", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
