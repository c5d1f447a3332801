package supervisor

import (
	"context"
	"slices"
)

// stack is the programs that run, first started first. They stop in reverse order.
type stack struct {
	running []running
}

type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs k and returns when it is ready. Its life does not end with ctx but with stop.
func (s *stack) start(ctx context.Context, k *keeper) error {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ready, failed, done := make(chan struct{}), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		failed <- k.Run(life, func() { close(ready) })
	}()
	select {
	case <-ready:
		s.running = append(s.running, running{cancel, done})
		return nil
	case err := <-failed:
		cancel()
		return err
	case <-ctx.Done():
		cancel()
		<-done
		return ctx.Err()
	}
}

func (s *stack) stop() {
	for _, r := range slices.Backward(s.running) {
		r.cancel()
		<-r.done
	}
}
