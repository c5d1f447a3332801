// Command cluster starts the test cluster for people: `make cluster-up`, `make cluster-down`, `make kubectl`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: cluster [-dir DIR] [-programs DIR] COMMAND
  up [IMAGE.tar...]   start a cluster in the background, with these images
  run [IMAGE.tar...]  the same in the foreground, until it is interrupted
  status              what runs, and its memory
  exec PROGRAM...     run a program on the node
  kubectl ARGUMENT... run kubectl as administrator
  down                end the cluster; its logs stay in DIR/logs
`

func main() {
	flags := flag.NewFlagSet("cluster", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	var o options
	flags.StringVar(&o.dir, "dir", ".cache/cluster", "what the cluster writes")
	flags.StringVar(&o.programs, "programs", ".cache/kube", "what make kube built")
	_ = flags.Parse(os.Args[1:]) // it exits itself
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := o.run(ctx, flags.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to cancel
	}
}

type options struct{ dir, programs string }

func (o options) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command\n%s", usage)
	}
	switch rest := args[1:]; args[0] {
	case "up":
		return o.up(ctx, rest)
	case "run":
		return o.foreground(ctx, rest)
	case "status":
		return o.status(ctx)
	case "exec":
		return o.exec(rest)
	case "kubectl":
		return o.kubectl(rest)
	case "down":
		return o.down()
	}
	return fmt.Errorf("no command %q\n%s", args[0], usage)
}
