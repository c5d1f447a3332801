package temporal

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	server "go.temporal.io/server/temporal"
)

// partName is the common name of the server's certificate, with which its own workers and its UI call it, too.
const partName = "temporal"

const localhost = "127.0.0.1"

// Server is an embedded Temporal server.
type Server struct {
	cfg   Config
	ports map[primitives.ServiceName]int
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	frontend, err := portOf(cfg.Listen)
	if err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, ports: map[primitives.ServiceName]int{primitives.FrontendService: frontend}}, nil
}

// Run serves until ctx ends. It returns ErrPortTaken when it cannot listen.
func (s *Server) Run(ctx context.Context) error {
	if err := s.choosePorts(); err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	temporal, err := server.NewServer(
		server.WithConfig(s.config()),
		server.ForServices(server.DefaultServices),
		server.WithStaticHosts(s.hosts()),
		server.WithDynamicConfigClient(s.settings()),
		server.WithLogger(logger{s.cfg.Log}),
		server.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return certificates{} }),
		server.WithAuthorizer(parts{}),
	)
	if err != nil {
		return fmt.Errorf("build Temporal: %w", err)
	}
	if err := temporal.Start(); err != nil {
		return fmt.Errorf("start Temporal: %w", err)
	}
	err = s.serve(ctx)
	if stopped := temporal.Stop(); stopped != nil && err == nil {
		err = fmt.Errorf("stop Temporal: %w", stopped)
	}
	return err
}

// serve readies the namespaces and runs the UI until ctx ends.
func (s *Server) serve(ctx context.Context) error {
	if err := s.ensure(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if s.cfg.UIListen == "" {
		s.ready()
		<-ctx.Done()
		return nil
	}
	return s.runUI(ctx)
}

func (s *Server) ready() {
	if s.cfg.Ready != nil {
		s.cfg.Ready()
	}
}

// choosePorts fails with a clear sentence where the server would exit without one, and picks the internal ports.
func (s *Server) choosePorts() error {
	if err := free("frontend", s.cfg.Listen); err != nil {
		return err
	}
	if s.cfg.UIListen != "" {
		if err := free("web UI", s.cfg.UIListen); err != nil {
			return err
		}
	}
	for _, name := range []primitives.ServiceName{primitives.HistoryService, primitives.MatchingService, primitives.WorkerService} {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.ports[name] = port
	}
	return nil
}

func (s *Server) hosts() map[primitives.ServiceName]static.Hosts {
	hosts := make(map[primitives.ServiceName]static.Hosts, len(s.ports))
	for name, port := range s.ports {
		hosts[name] = static.SingleLocalHost(net.JoinHostPort(localhost, strconv.Itoa(port)))
	}
	return hosts
}

// sql is the one file. synchronous=2 (full) because an acknowledged signal must survive a power cut.
func (s *Server) sql() *config.SQL {
	return &config.SQL{
		PluginName: sqliteplugin.PluginName, DatabaseName: s.cfg.DB,
		ConnectAttributes: map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000"},
	}
}

func (s *Server) config() *config.Config {
	services := make(map[string]config.Service, len(s.ports))
	for name, port := range s.ports {
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: localhost}}
	}
	frontend := services[string(primitives.FrontendService)]
	frontend.RPC.BindOnIP, _, _ = net.SplitHostPort(s.cfg.Listen)
	services[string(primitives.FrontendService)] = frontend
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: localhost},
			TLS:        s.tls(),
		},
		Persistence: config.Persistence{
			DefaultStore: "sqlite", VisibilityStore: "sqlite", NumHistoryShards: 1,
			DataStores: map[string]config.DataStore{"sqlite": {SQL: s.sql()}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: clusterName, CurrentClusterName: clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: dial(s.cfg.Listen)},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival:            config.Archival{History: config.HistoryArchival{State: "disabled"}, Visibility: config.VisibilityArchival{State: "disabled"}},
		PublicClient:        config.PublicClient{HostPort: dial(s.cfg.Listen)},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History: config.HistoryArchivalNamespaceDefaults{State: "disabled"}, Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
}

const clusterName = "active"

// reread is how often certificates are read from their files again, where they may have been renewed.
const reread = time.Minute

// tls is mutual on every hop, between the server's own services too.
func (s *Server) tls() config.RootTLS {
	client := config.ClientTLS{ServerName: partName, RootCAFiles: []string{s.cfg.ca()}}
	group := config.GroupTLS{
		Server: config.ServerTLS{CertFile: s.cfg.cert(), KeyFile: s.cfg.key(), ClientCAFiles: []string{s.cfg.ca()}, RequireClientAuth: true},
		Client: client,
	}
	return config.RootTLS{
		RefreshInterval: reread,
		Internode:       group, Frontend: group,
		SystemWorker: config.WorkerTLS{CertFile: s.cfg.cert(), KeyFile: s.cfg.key(), Client: client},
	}
}

// maxPolls is how often a second a queue is looked into when there is something new in it.
const maxPolls = 2000

// settings are those of dynamic configuration that a small machine and one shard want otherwise, and one that would tell
// version-info.temporal.io of this installation.
func (s *Server) settings() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true, // an attribute is usable at once
		dynamicconfig.FrontendPersistenceMaxQPS.Key():               10000,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                45000,
		dynamicconfig.EnableServerVersionCheck.Key():                false,
		dynamicconfig.HistoryCountSuggestContinueAsNew.Key():        s.cfg.ContinueAfter,
		// Each shard looks into its queues at most 20 times a second, which is meant for hundreds of shards. With one, every
		// step of every workflow would wait for its turn: 50 ms.
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   maxPolls,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      maxPolls,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): maxPolls,
	}
}
