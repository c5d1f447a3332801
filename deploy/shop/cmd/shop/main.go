// Command shop is the demo shop: the five services, their customers, the supervisor that runs them all, and the
// programs that operate and break it. A copy with a release stamp is the service its stamp names.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/midwatch/midwatch/deploy/shop/release"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	self, err := os.Executable()
	if err == nil {
		var stamp release.Stamp
		if stamp, err = release.Read(self); err == nil {
			err = serve(ctx, stamp)
		} else if errors.Is(err, release.ErrUnstamped) {
			err = command(self).ExecuteContext(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}
