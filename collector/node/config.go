package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/kept"
	"github.com/midwatch/midwatch/collector/logs"
)

// Sink takes what the node agent made. It queues and returns; the batch is the sink's afterwards. A publish.Publisher is one.
type Sink interface {
	Traces(ctx context.Context, td ptrace.Traces) error
	Metrics(ctx context.Context, md pmetric.Metrics) error
	Logs(ctx context.Context, ld plog.Logs) error
	LogsAs(ctx context.Context, id string, ld plog.Logs) error
	kept.Queue
}

// Config configures a node agent.
type Config struct {
	Environment string        `yaml:"environment"`  // the cluster or machine; "" means the host name
	Node        string        `yaml:"node"`         // host.name; "" means what the kernel says
	Interval    time.Duration `yaml:"interval"`     // between points of resource metrics; 0 means 5 s
	Logs        []logs.Path   `yaml:"logs"`         // files to tail
	NoJournal   bool          `yaml:"no_journal"`   // do not follow journald
	NoTLS       bool          `yaml:"no_tls"`       // do not look into what programs encrypt with OpenSSL, its kin or crypto/tls
	NoKernel    bool          `yaml:"no_kernel"`    // do not load eBPF programs: no spans
	MemoryLimit int64         `yaml:"memory_limit"` // soft ceiling of the Go heap in bytes; 0 means 96 MiB, -1 leaves it alone

	DataDir     string       `yaml:"-"` // positions and what is known of services are kept below it
	ExcludePIDs []int        `yaml:"-"` // processes never looked at, beside Midwatch's own
	Publisher   Sink         `yaml:"-"`
	Ready       func()       `yaml:"-"` // called once, when everything that can run does; may be nil
	Log         *slog.Logger `yaml:"-"` // nil means slog.Default()
}

// defaultMemoryLimit leaves room below 120 MB resident for what is not heap: the ring buffer's mapping, stacks, the binary.
const defaultMemoryLimit = 96 << 20

// complete fills in the defaults and refuses what cannot work.
func (c Config) complete() (Config, error) {
	if c.DataDir == "" || c.Publisher == nil {
		return c, errors.New("node agent: DataDir and Publisher are needed")
	}
	if c.Node == "" {
		name, err := os.Hostname()
		if err != nil {
			return c, fmt.Errorf("find the host's name; set node in the configuration: %w", err)
		}
		c.Node = name
	}
	if c.Environment == "" {
		c.Environment = c.Node
	}
	if c.Interval == 0 {
		c.Interval = 5 * time.Second
	}
	if c.Interval < time.Second {
		return c, fmt.Errorf("node agent: interval %s is below 1s", c.Interval)
	}
	if c.MemoryLimit == 0 {
		c.MemoryLimit = defaultMemoryLimit
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, nil
}
