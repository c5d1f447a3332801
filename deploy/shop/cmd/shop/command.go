package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/deploy/shop"
	"github.com/midwatch/midwatch/deploy/shop/control"
	"github.com/midwatch/midwatch/deploy/shop/fault"
	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/supervisor"
)

// cli is what the commands share: this program's own path, and the directory of the shop.
type cli struct {
	self string
	dir  string
}

func command(self string) *cobra.Command {
	c := &cli{self: self}
	root := &cobra.Command{
		Use: "shop", Short: "A small shop to watch, to break and to mend", SilenceUsage: true, SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&c.dir, "dir", "/var/tmp/shop", "directory of the shop; its users must be able to enter it")
	root.AddCommand(c.up(), c.names(), c.ctl(), c.fault(), c.status(), c.actions(), c.paths())
	return root
}

func (c *cli) open() (*control.Shop, error) {
	dir, err := home.New(c.dir)
	if err != nil {
		return nil, err
	}
	return control.Open(dir)
}

func (c *cli) up() *cobra.Command {
	var names string
	cmd := &cobra.Command{Use: "up", Short: "Run the shop under load until interrupted", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&names, "names", "", namesHelp)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := planned(names)
		if err != nil {
			return err
		}
		dir, err := home.New(c.dir)
		if err != nil {
			return err
		}
		s, err := supervisor.New(supervisor.Config{
			Dir: dir, Plan: p, Program: c.self, Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
			Ready: func() {
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "the shop serves on http://127.0.0.1:%d under %d requests/s; logs in %s\n",
					p.Programs[plan.Gateway].Port, p.Rate, dir.Logs())
			},
		})
		if err != nil {
			return err
		}
		return s.Run(cmd.Context())
	}
	return cmd
}

const namesHelp = "plan written by shop names; without it the plain names are used"

func planned(file string) (plan.Plan, error) {
	if file == "" {
		return plan.Default(), nil
	}
	return plan.Read(file)
}

func (c *cli) names() *cobra.Command {
	var seed uint64
	cmd := &cobra.Command{Use: "names", Short: "Print a plan: names, ports and versions drawn from a seed", Args: cobra.NoArgs}
	cmd.Flags().Uint64Var(&seed, "seed", 0, "0 prints the plain names")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p := plan.Default()
		if seed != 0 {
			var err error
			if p, err = plan.Random(seed); err != nil {
				return err
			}
		}
		b, err := p.YAML()
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(b)
		return err
	}
	return cmd
}

func (c *cli) ctl() *cobra.Command {
	root := &cobra.Command{Use: "ctl", Short: "Operate the running shop"}
	add := func(use, short string, do func(*control.Shop, *cobra.Command, string) error) {
		root.AddCommand(&cobra.Command{Use: use + " NAME", Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			s, err := c.open()
			if err != nil {
				return err
			}
			if err := do(s, cmd, args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s: done\n", use, args[0])
			return err
		}})
	}
	add("restart", "Restart a service", func(s *control.Shop, cmd *cobra.Command, name string) error { return s.Restart(cmd.Context(), name) })
	add("rollback-version", "Go back to a service's version before and restart it", func(s *control.Shop, cmd *cobra.Command, name string) error {
		return s.RollbackVersion(cmd.Context(), name)
	})
	add("rollback-config", "Go back to a service's configuration before and restart it", func(s *control.Shop, cmd *cobra.Command, name string) error {
		return s.RollbackConfig(cmd.Context(), name)
	})
	add("raise-limit", "Put the memory limit of Redis back to its reviewed value", func(s *control.Shop, cmd *cobra.Command, name string) error {
		return s.RaiseLimit(cmd.Context(), name)
	})
	return root
}

func (c *cli) fault() *cobra.Command {
	return &cobra.Command{
		Use: "fault NAME|clear|list|-", Short: "Break the shop, or mend it; - reads the name from standard input, so that no process list shows it",
		Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if name == "-" {
				b, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), 256))
				if err != nil {
					return err
				}
				name = strings.TrimSpace(string(b))
			}
			if name == "list" {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(fault.Names(), "\n"))
				return err
			}
			s, err := c.open()
			if err != nil {
				return err
			}
			if name == "clear" {
				return fault.Clear(cmd.Context(), s)
			}
			return fault.Inject(cmd.Context(), s, c.self, name)
		},
	}
}

func (c *cli) status() *cobra.Command {
	return &cobra.Command{Use: "status", Short: "List the shop's processes", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		s, err := c.open()
		if err != nil {
			return err
		}
		all, err := s.Processes(cmd.Context())
		if err != nil {
			return err
		}
		for _, p := range all {
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-18s pid %-8d starts %d\n", p.Name, p.PID, p.Starts); err != nil {
				return err
			}
		}
		return nil
	}}
}

func (c *cli) actions() *cobra.Command {
	var names string
	cmd := &cobra.Command{Use: "actions", Short: "Print the actions section of a Midwatch configuration for this shop", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&names, "names", "", "plan of a shop that does not run yet; without it the running shop's is used")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := home.New(c.dir)
		if err != nil {
			return err
		}
		if names == "" {
			names = dir.Plan()
		}
		p, err := plan.Read(names)
		if err != nil {
			return err
		}
		return shop.Actions(cmd.OutOrStdout(), dir, p, c.self)
	}
	return cmd
}

func (c *cli) paths() *cobra.Command {
	return &cobra.Command{Use: "paths", Short: "Print the globs of the shop's log files, one a line", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		dir, err := home.New(c.dir)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), dir.Log("*"))
		return err
	}}
}
