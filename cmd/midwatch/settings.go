package main

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/collector/node"
	"github.com/midwatch/midwatch/deploy/clickhouse"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/workflows"
)

// settings is the YAML file. Each section is one part's; addresses say what to use instead of starting it.
type settings struct {
	Data           string
	Environment    string
	Nice           int // scheduling priority of what `up` starts
	ClickHouse     clickhouse.Config
	Store          storeSettings
	JetStream      jetStreamSettings
	Ingester       ingesterSettings
	Exporter       exporterSettings
	NodeAgent      node.Config
	Temporal       temporalSettings
	API            apiSettings
	Metadata       metadataSettings
	Worker         workerSettings
	Alerts         alertSettings
	Investigations investigationSettings
	Actions        []investigation.Action
	Remedies       remedySettings
	Notify         notify.Config
	GitHub         github.Config
	AI             aiSettings
}

// watchesCluster says that this installation keeps the history of a Kubernetes cluster. Where it does not, nothing pretends that there is one.
func (s settings) watchesCluster() bool { return s.Exporter.Kubeconfig != "" }

// remedySettings say what may be changed in a cluster, once a person has approved it. Only the apply role opens the kubeconfig.
type remedySettings struct {
	Kubeconfig             string `yaml:"kubeconfig"` // file; empty: the service account of the pod
	investigation.Remedies `yaml:",inline"`
}

// actions are the named actions and the remedies; only the apply role gets database credentials.
func (s settings) actions(secrets bool) []investigation.Action {
	as := append(slices.Clone(s.Actions), s.Remedies.Actions()...)
	if !secrets {
		for i := range as {
			as[i].DSN = ""
		}
	}
	return as
}

type storeSettings struct {
	store.Config `yaml:",inline"`
	PasswordFile string       `yaml:"password_file"` // of user; empty: no password
	TLS          peerSettings `yaml:"tls"`           // of addresses
}

type jetStreamSettings struct {
	Listen   string       `yaml:"listen"`
	URL      string       `yaml:"url"`       // a NATS server to use instead
	TLS      peerSettings `yaml:"tls"`       // of url
	MaxBytes int64        `yaml:"max_bytes"` // of telemetry that waits on disk; 0: 1 GiB
}

type ingesterSettings struct {
	GRPC string `yaml:"grpc"` // OTLP/gRPC, host:port
	HTTP string `yaml:"http"` // OTLP/HTTP, host:port
	// MaxSeries is how many series of metrics an environment may have a day; 0: 1,048,576
	MaxSeries int64 `yaml:"max_series"`
	// Address is where the exporter reaches it; empty: where GRPC says, on this machine
	Address string `yaml:"address"`
}

type exporterSettings struct {
	Kubeconfig string             `yaml:"kubeconfig"` // of the cluster that is watched: a file, or in-cluster; empty: no cluster
	Kubernetes kubernetesSettings `yaml:"kubernetes"`
	Drop       []rules.Drop       `yaml:"drop"`   // what must not leave this machine
	Redact     []rules.Redaction  `yaml:"redact"` // what is replaced in what leaves
}

type temporalSettings struct {
	Listen    string       `yaml:"listen"`
	UIListen  string       `yaml:"ui_listen"`
	Address   string       `yaml:"address"`    // a Temporal server to use instead
	TLS       peerSettings `yaml:"tls"`        // of address
	UIAddress string       `yaml:"ui_address"` // midwatch-temporal's web UI there; empty: the api shows none
	Program   string       `yaml:"program"`    // midwatch-temporal
}

type apiSettings struct {
	Listen string   `yaml:"listen"`
	Hosts  []string `yaml:"hosts"` // names besides localhost and loopback under which browsers may come
	// ServiceLabels of alerts posted to /hooks/ name the service, the first that an alert has; empty: hook.DefaultServiceLabels
	ServiceLabels []string `yaml:"service_labels"`
}

type alertSettings struct {
	Every        time.Duration `yaml:"every"` // how often telemetry is looked at; 0: 5 s
	detect.Rules `yaml:",inline"`

	Written []rules.Alert `yaml:"rules"` // PromQL; in a cluster AlertRule objects add to them
}

// investigationSettings is workflows.Policy with the file's names; zero means its default.
type investigationSettings struct {
	Debounce   time.Duration `yaml:"debounce"`   // triggers that arrive together are sorted together
	Settle     time.Duration `yaml:"settle"`     // an incident waits this long for alerts of dependants
	Bake       time.Duration `yaml:"bake"`       // a deployment is watched this long
	CoolDown   time.Duration `yaml:"cool_down"`  // the same trigger is not raised again for this long
	Concurrent int           `yaml:"concurrent"` // investigations at once
	Turns      int           `yaml:"turns"`      // steps of an investigation
	Wall       time.Duration `yaml:"wall"`       // its wall time
	Tokens     int64         `yaml:"tokens"`     // that its model calls may take together
	Dollars    float64       `yaml:"dollars"`    // that they may cost
	Approval   time.Duration `yaml:"approval"`   // a fix waits this long for a person
	Remind     time.Duration `yaml:"remind"`     // people are told each time that it waited so long; negative: never
	Escalate   time.Duration `yaml:"escalate"`   // then others are told; negative: never
	Again      time.Duration `yaml:"again"`      // an alarm that goes on unexplained is looked into again; negative: never
	Info       bool          `yaml:"info"`       // an alert of severity info starts an investigation by itself; otherwise it is told with others only
	// SameCulprit is how long after an incident was resolved another of the same culprit and mechanism gets no fix; negative: never
	SameCulprit time.Duration `yaml:"same_culprit"`

	investigation.Quorum `yaml:",inline"`
}

func (s investigationSettings) policy() workflows.Policy {
	return workflows.Policy{
		Debounce: s.Debounce, Settle: s.Settle, Bake: s.Bake, CoolDown: s.CoolDown,
		Concurrent: s.Concurrent, Turns: s.Turns, Wall: s.Wall, Approval: s.Approval,
		Tokens: s.Tokens, Cost: int64(s.Dollars * 1e6),
		Remind: s.Remind, Escalate: s.Escalate, Again: s.Again, Info: s.Info,
	}
}

// aiSettings lists whom a model may be asked at. Nobody is asked before an admin switches AI on for an environment.
type aiSettings struct {
	Providers []llm.ProviderConfig `yaml:"providers"`
}

type metadataSettings struct {
	DSN     string `yaml:"dsn"`      // postgres://…; empty: SQLite in the data directory
	DSNFile string `yaml:"dsn_file"` // file that holds it, for one with a password
	// Identity: by the part's certificate to a PostgreSQL that has the certificate of the part postgres, instead of what the DSN says of TLS
	Identity bool `yaml:"identity"`
}

type workerSettings struct {
	Analyst string `yaml:"analyst"` // midwatch-analyst
	Sandbox string `yaml:"sandbox"` // native or gvisor
	Runsc   string `yaml:"runsc"`   // gVisor's program, for gvisor
	// Deployment is the Temporal Worker Deployment that this build is a version of; empty: unversioned
	Deployment string `yaml:"deployment"`
}

func defaults() settings {
	s := settings{
		Data:        "/var/lib/midwatch",
		Environment: hostName(),
		Nice:        -5, // whoever takes the cores is to be found out all the same
		ClickHouse:  clickhouse.Default(),
		JetStream:   jetStreamSettings{Listen: "127.0.0.1:14222"},
		Ingester:    ingesterSettings{GRPC: "127.0.0.1:14317", HTTP: "127.0.0.1:14318"},
		Temporal:    temporalSettings{Listen: "127.0.0.1:17233", UIListen: "127.0.0.1:18233", Program: beside("midwatch-temporal")},
		API:         apiSettings{Listen: "127.0.0.1:18420"},
		Alerts:      alertSettings{Every: 5 * time.Second, Rules: detect.Default()},
		Worker:      workerSettings{Analyst: beside("midwatch-analyst"), Sandbox: "native", Runsc: runsc()},
	}
	s.ClickHouse.Library = library()
	if os.Getuid() != 0 {
		if home, err := os.UserHomeDir(); err == nil {
			s.Data = filepath.Join(home, ".local/share/midwatch")
		}
	}
	return s
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}

// sections are the file's top-level keys.
func (s *settings) sections() map[string]any {
	return map[string]any{
		"data": &s.Data, "environment": &s.Environment, "nice": &s.Nice, "clickhouse": &s.ClickHouse, "store": &s.Store, "jetstream": &s.JetStream,
		"ingester": &s.Ingester, "exporter": &s.Exporter, "node_agent": &s.NodeAgent, "temporal": &s.Temporal, "api": &s.API, "worker": &s.Worker, "metadata": &s.Metadata, "alerts": &s.Alerts, "investigations": &s.Investigations, "actions": &s.Actions, "remedies": &s.Remedies, "notify": &s.Notify, "github": &s.GitHub, "ai": &s.AI,
	}
}

// beside is a program in the directory of this one.
func beside(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(self), name)
}

// library finds libchdb: where MIDWATCH_LIBCHDB says, else beside the program, else where `make deps` put it.
func library() string {
	if v := os.Getenv("MIDWATCH_LIBCHDB"); v != "" {
		return v
	}
	if p := beside("libchdb.so"); exists(p) {
		return p
	}
	return filepath.Join(filepath.Dir(beside("")), ".cache/chdb/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// port is one address a part listens on, and the key that moves it.
type port struct{ part, address, key string }

// ports are what `up` would listen on.
func (s settings) ports() []port {
	var ps []port
	if len(s.Store.Addresses) == 0 {
		ps = append(ps, port{"clickhouse", s.ClickHouse.Listen, "clickhouse.listen"})
	}
	if s.JetStream.URL == "" {
		ps = append(ps, port{"jetstream", s.JetStream.Listen, "jetstream.listen"})
	}
	if s.Temporal.Address == "" {
		ps = append(ps, port{"temporal", s.Temporal.Listen, "temporal.listen"}, port{"temporal UI", s.Temporal.UIListen, "temporal.ui_listen"})
	}
	return append(ps, port{"ingester OTLP/gRPC", s.Ingester.GRPC, "ingester.grpc"}, port{"ingester OTLP/HTTP", s.Ingester.HTTP, "ingester.http"},
		port{"api", s.API.Listen, "api.listen"})
}
