package tools

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// ErrAway means that the store cannot be reached: the same question may have an answer once it can.
var ErrAway = errors.New("the store cannot be reached")

// away marks the errors of a store that did not answer. What it refused, and what it could not answer in time, are answers.
func away(err error) error {
	var answered *clickhouse.Exception
	var answeredRead *ch.Exception
	var network *net.OpError
	switch {
	case errors.As(err, &answered), errors.As(err, &answeredRead):
	case errors.As(err, &network) && !network.Timeout(),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, clickhouse.ErrAcquireConnTimeout), errors.Is(err, clickhouse.ErrAcquireConnNoAddress):
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}
