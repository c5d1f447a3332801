package detect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/tools"
)

// Store is what a detector needs of the telemetry store; *store.DB is one.
type Store = tools.Store

// Rules are the thresholds. Start from Default and change what has to be; only the zero Rules as a whole means Default.
type Rules struct {
	Window        time.Duration `yaml:"window"`           // how much of the latest time is judged
	Baseline      time.Duration `yaml:"baseline"`         // how much time before it is compared with
	Spread        time.Duration `yaml:"spread"`           // least time between the first and the last tenth of the bad requests
	Fresh         time.Duration `yaml:"fresh"`            // the last bad request is at most this old
	WarmUp        time.Duration `yaml:"warm_up"`          // of a service's life, ignored
	MinBaseline   time.Duration `yaml:"min_baseline"`     // least life of a service after warming up, before the window
	MinRequests   uint64        `yaml:"min_requests"`     // in the window, of one operation
	ErrorRatio    float64       `yaml:"error_ratio"`      // 0..1
	LatencyFactor float64       `yaml:"latency_factor"`   // slow: this many times the healthy 95th percentile (or median) …
	LatencyAdd    time.Duration `yaml:"latency_add"`      // … and at least this much above it
	SlowShare     float64       `yaml:"slow_share"`       // share of requests slower than by the 95th percentile
	CrashExits    int           `yaml:"crash_exits"`      // exits of a service that make a crash loop …
	CrashWindow   time.Duration `yaml:"crash_window"`     // … within this
	MemoryShare   float64       `yaml:"memory_share"`     // of its limit, from which growing memory is an anomaly
	CPUCores      float64       `yaml:"cpu_cores"`        // cores a process takes more than before, while others wait
	DeploymentAge time.Duration `yaml:"deployment_age"`   // deployments, and rollouts that were done, longer ago were raised before
	EventAge      time.Duration `yaml:"kernel_event_age"` // the same for kernel events
	Cluster       ClusterRules  `yaml:"cluster"`          // what happens in a Kubernetes cluster
}

// Default rules, made for tens to thousands of requests per second and answers within 30 seconds.
func Default() Rules {
	return Rules{
		Window: 15 * time.Second, Baseline: 165 * time.Second, Spread: 4500 * time.Millisecond, Fresh: 6 * time.Second,
		WarmUp: 5 * time.Second, MinBaseline: 12 * time.Second, MinRequests: 10,
		ErrorRatio: 0.05, LatencyFactor: 3, LatencyAdd: 50 * time.Millisecond, SlowShare: 0.1,
		CrashExits: 3, CrashWindow: time.Minute, MemoryShare: 0.6, CPUCores: 0.7,
		DeploymentAge: 2 * time.Minute, EventAge: time.Minute, Cluster: defaultCluster(),
	}
}

// Config is what a detector needs.
type Config struct {
	Store       Store
	Environment string
	Rules       Rules         // zero: Default
	Alerts      []rules.Alert // of the configuration file; those of a cluster are in the store
	Log         *slog.Logger
}

// Detector raises triggers for one environment. Safe for concurrent use.
type Detector struct {
	cfg      Config
	rules    Rules
	onsets   onsets
	engine   *promql.Engine
	troubles troubles
	states   states
}

// New validates cfg.
func New(cfg Config) (*Detector, error) {
	if cfg.Store == nil || cfg.Environment == "" {
		return nil, errors.New("detect: a store and an environment are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := rules.ValidateAlerts(cfg.Alerts); err != nil {
		return nil, fmt.Errorf("detect: %w", err)
	}
	d := &Detector{cfg: cfg, rules: cfg.Rules, engine: promql.New()}
	if d.rules == (Rules{}) {
		d.rules = Default()
	}
	if d.rules.Window <= 0 || d.rules.Baseline <= 0 || d.rules.ErrorRatio <= 0 || d.rules.LatencyFactor < 1 {
		return nil, errors.New("detect: rules: window, baseline and error_ratio must be positive, latency_factor at least 1")
	}
	return d, nil
}

// param is a named parameter of a query, bound by the server.
type param struct {
	name  string
	value any
}

// settings bound every query: a detector that is late is of no use.
var settings = clickhouse.Settings{"max_execution_time": 8, "max_memory_usage": 600 << 20}

func rows[Row any](ctx context.Context, d *Detector, what, sql string, params ...param) ([]Row, error) {
	args := []any{driver.NamedValue{Name: "environment", Value: d.cfg.Environment}}
	for _, p := range params {
		if t, ok := p.value.(time.Time); ok {
			p.value = t.UTC()
		}
		args = append(args, driver.NamedValue{Name: p.name, Value: p.value})
	}
	var out []Row
	if err := d.cfg.Store.Select(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), &out, sql, args...); err != nil {
		return nil, fmt.Errorf("look for %s: %w", what, err)
	}
	return out, nil
}
