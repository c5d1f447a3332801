// Package supervisor runs the shop: PostgreSQL, Redis, five services and their customers, as child processes that are
// started in order, started again when they end, and stopped in reverse.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

const (
	// memoryLimit is what checkout may use.
	memoryLimit = 96 << 20
	// poolWait is how long cart waits for a connection to Redis.
	poolWait = time.Second
)

// ErrRunning means another supervisor runs a shop in the directory.
var ErrRunning = errors.New("a shop runs in this directory already")

// Config says which shop to run.
type Config struct {
	Dir     home.Dir
	Plan    plan.Plan
	Program string // the program that all executables are copies of, unstamped
	Log     *slog.Logger
	Ready   func() // called once, when the shop serves under load; may be nil
}

// Supervisor is one running shop.
type Supervisor struct {
	cfg       Config
	dir       home.Dir
	plan      plan.Plan
	spawner   *spawner
	binaries  string   // of PostgreSQL
	redis     string   // redis-server
	services  identity // who services and Redis run as
	dba       identity // who PostgreSQL runs as
	passwords map[string]string
	memory    *memoryGroup
	batch     batchJob
	keepers   struct {
		sync.Mutex
		byName map[string]*keeper
	}
}

// New checks the plan and what the machine has. It starts nothing.
func New(cfg Config) (*Supervisor, error) {
	if err := cfg.Plan.Validate(); err != nil {
		return nil, err
	}
	s := &Supervisor{cfg: cfg, dir: cfg.Dir, plan: cfg.Plan}
	s.keepers.byName = map[string]*keeper{}
	var err error
	if s.binaries, err = postgresBinaries(); err != nil {
		return nil, err
	}
	if s.redis, err = redisBinary(); err != nil {
		return nil, err
	}
	if s.services, err = ordinary("nobody"); err != nil {
		return nil, err
	}
	if s.dba, err = ordinary("postgres", "nobody"); err != nil {
		return nil, err
	}
	return s, nil
}

// Run prepares and runs the shop until ctx ends, then stops every process. It wraps ErrRunning.
func (s *Supervisor) Run(ctx context.Context) (err error) {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	defer os.Remove(s.dir.Plan()) //nolint:errcheck // it says that a shop runs; a new one overwrites it
	if err := s.checkPorts(); err != nil {
		return err
	}
	s.spawner = newSpawner()
	defer s.spawner.close()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.memory.remove()) }()
	var stack stack
	defer stack.stop()
	if err := s.startAll(ctx, &stack); err != nil {
		return err
	}
	control, err := s.serveControl(ctx)
	if err != nil {
		return err
	}
	defer control()
	if s.cfg.Ready != nil {
		s.cfg.Ready()
	}
	<-ctx.Done()
	s.batch.stop()
	return nil
}

// startAll starts one program after the other, each when the one before is ready.
func (s *Supervisor) startAll(ctx context.Context, stack *stack) error {
	database := s.postgres(s.dir.Postgres())
	database.await = func(ctx context.Context) error { return s.superuser(ctx, s.dir.Postgres()) }
	if err := stack.start(ctx, s.keep(database)); err != nil {
		return err
	}
	if err := s.grant(ctx); err != nil {
		return err
	}
	if err := stack.start(ctx, s.keep(s.serving(s.redisServer(), s.plan.Redis.Port))); err != nil {
		return err
	}
	for _, role := range append(plan.Services(), plan.Load) {
		if err := stack.start(ctx, s.keep(s.service(role))); err != nil {
			return err
		}
	}
	return nil
}

func (s *Supervisor) keep(p program) *keeper {
	k := newKeeper(p, s.spawner, s.cfg.Log)
	s.keepers.Lock()
	defer s.keepers.Unlock()
	s.keepers.byName[p.name] = k
	return k
}

// serving makes p ready once its port answers.
func (s *Supervisor) serving(p program, port int) program {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p.await = func(ctx context.Context) error {
		return poll(ctx, func() error {
			conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp4", address)
			if err != nil {
				return err
			}
			return conn.Close()
		})
	}
	return p
}

func (s *Supervisor) service(role plan.Role) program {
	name := s.name(role)
	p := program{
		name: name, path: s.dir.Executable(name), args: []string{"-config", s.dir.Config(name)},
		log: s.dir.Log(name), as: s.services, stop: unix.SIGTERM,
	}
	if role == plan.Checkout {
		p.group = s.memory
	}
	return p
}

// lock makes sure that a directory has one shop.
func (s *Supervisor) lock() (func(), error) {
	if err := os.MkdirAll(string(s.dir), 0o755); err != nil {
		return nil, fmt.Errorf("open shop: %w", err)
	}
	f, err := os.OpenFile(s.dir.Lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open shop: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { //nolint:gosec // descriptors are small
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrRunning, s.dir), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func (s *Supervisor) checkPorts() error {
	ports := map[string]int{"postgres": s.plan.Postgres.Port, s.plan.Redis.Name: s.plan.Redis.Port}
	for _, role := range plan.Services() {
		ports[s.name(role)] = s.plan.Programs[role].Port
	}
	for name, port := range ports {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return fmt.Errorf("port %d, meant for %s, is taken: stop what listens there, or take other names with shop names --seed 1", port, name)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// groupName is stable, so that a group left behind by a killed supervisor is taken over.
func (s *Supervisor) groupName() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.dir)) // never fails
	return fmt.Sprintf("shop-%08x", h.Sum32())
}
