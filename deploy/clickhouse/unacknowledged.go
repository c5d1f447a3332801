package clickhouse

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// givingUpAfter makes a listener whose connections break when the peer acknowledges nothing of what it was sent for so long. The kernel's own
// patience with a host that is gone is a quarter of an hour, and a query runs that long for nobody. Connections inherit the option from the listener.
func givingUpAfter(d time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var refused error
		err := c.Control(func(fd uintptr) {
			refused = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
		})
		if err := errors.Join(err, refused); err != nil {
			return fmt.Errorf("bound how long a client may acknowledge nothing: %w", err)
		}
		return nil
	}
}
