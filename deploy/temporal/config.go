package temporal

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// ErrPortTaken means another process listens where this one should.
var ErrPortTaken = errors.New("port taken")

// Namespaces. Retention of the second is short: a watch runs every few seconds and only its last day is of interest.
const (
	watchSuffix    = "-watch"
	watchRetention = 24 * time.Hour
)

// Config is what the embedded server needs.
type Config struct {
	DB            string        // SQLite file; made when missing
	Listen        string        // frontend, address:port
	UIListen      string        // web UI, address:port; on loopback unless UIClients are named; "": no UI
	PKI           string        // directory with ca.pem, temporal.pem and temporal-key.pem
	Namespace     string        // the namespace of the incidents; another with "-watch" behind its name is for the schedules
	Retention     time.Duration // of closed workflows; 30 days
	CodecEndpoint string        // URL of the codec server that the browser asks for plain payloads; "": payloads stay sealed
	UIPath        string        // path under which a reverse proxy shows the UI, such as "/temporal"; "": the root
	UIClients     []string      // parts whose certificate may use the UI, such as "api"; empty: a browser without certificate may
	ContinueAfter int           // events of a history after which its workflow is told to continue as new; 0: 4096
	Ready         func()        // called once when workflows can be started; may be nil
	Log           *slog.Logger
}

func (c *Config) validate() error {
	if c.DB == "" || c.Listen == "" || c.PKI == "" || c.Namespace == "" {
		return errors.New("temporal: database, listen address, PKI directory and namespace are needed")
	}
	if c.Retention == 0 {
		c.Retention = 30 * 24 * time.Hour
	}
	if c.ContinueAfter < 0 {
		return errors.New("temporal: a history continues as a new one after a number of events")
	}
	if c.ContinueAfter == 0 {
		c.ContinueAfter = 4096
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for _, address := range []string{c.Listen, c.UIListen} {
		if address == "" {
			continue
		}
		if err := isAddress(address); err != nil {
			return err
		}
	}
	if len(c.UIClients) == 0 && c.UIListen != "" && !loopback(c.UIListen) {
		return fmt.Errorf("temporal: the web UI on %s would be open to all who reach it; name the parts that may use it", c.UIListen)
	}
	return nil
}

func (c *Config) ca() string   { return filepath.Join(c.PKI, "ca.pem") }
func (c *Config) cert() string { return filepath.Join(c.PKI, partName+".pem") }
func (c *Config) key() string  { return filepath.Join(c.PKI, partName+"-key.pem") }

func isAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || net.ParseIP(host) == nil {
		return fmt.Errorf("temporal: address %q: want address:port", address)
	}
	return nil
}

// loopback tells whether only this machine reaches what listens there.
func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	return net.ParseIP(host).IsLoopback()
}

// dial is how this process itself reaches what it listens on: where that is every address, on loopback.
func dial(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if net.ParseIP(host).IsUnspecified() {
		host = localhost
	}
	return net.JoinHostPort(host, port)
}

// free tells whether address can be listened on. The server and the UI end the process without a word when it cannot.
func free(what, address string) error {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another process listens on %s, where Temporal's %s should; stop it or choose another address", ErrPortTaken, address, what)
	}
	if err != nil {
		return fmt.Errorf("listen on %s for Temporal's %s: %w", address, what, err)
	}
	return l.Close()
}

// freePort returns a loopback port that nobody listens on now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func portOf(address string) (int, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, fmt.Errorf("address %q: %w", address, err)
	}
	return strconv.Atoi(port)
}
