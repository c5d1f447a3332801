package jetstream

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog gives the NATS server's messages to slog. What NATS calls fatal ends Run instead of the process.
type serverLog struct {
	log   *slog.Logger
	fatal chan error
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) Noticef(f string, v ...any) { l.log.Debug(fmt.Sprintf(f, v...)) }
func (l *serverLog) Warnf(f string, v ...any)   { l.log.Warn(fmt.Sprintf(f, v...)) }
func (l *serverLog) Errorf(f string, v ...any)  { l.log.Error(fmt.Sprintf(f, v...)) }
func (l *serverLog) Debugf(string, ...any)      {}
func (l *serverLog) Tracef(string, ...any)      {}

func (l *serverLog) Fatalf(f string, v ...any) {
	select {
	case l.fatal <- fmt.Errorf("NATS server: "+f, v...):
	default: // the first one says why
	}
}
