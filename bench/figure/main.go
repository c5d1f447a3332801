package figure

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main runs a bench with the program's arguments until it is done or told to stop, and prints its figures. It returns the program's exit code: 0 if
// all figures reach their bars, 2 after a question for help.
func Main(bench func(ctx context.Context, args []string) ([]Figure, error)) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	figures, err := bench(ctx, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return 2
	}
	ok := Print(os.Stdout, figures)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if err != nil || !ok {
		return 1
	}
	return 0
}
