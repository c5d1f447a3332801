package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/deploy/shop/backstage"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/release"
)

// prepare writes every file of the run: executables, configurations, data directories. What a run before left is gone
// afterwards, but for the cache.
func (s *Supervisor) prepare(ctx context.Context) error {
	for _, who := range []identity{s.services, s.dba} {
		if err := who.reaches(string(s.dir)); err != nil {
			return err
		}
	}
	for _, old := range []string{"services", "scratch", "logs", "redis", "bin"} {
		if err := os.RemoveAll(filepath.Join(string(s.dir), old)); err != nil {
			return fmt.Errorf("clear the run before: %w", err)
		}
	}
	for _, dir := range []string{s.dir.Cache(), s.dir.Logs()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("prepare shop: %w", err)
		}
	}
	if err := s.plan.Save(s.dir.Plan()); err != nil {
		return fmt.Errorf("prepare shop: %w", err)
	}
	var err error
	if s.passwords, err = passwords(s.dir); err != nil {
		return err
	}
	if err := s.preparePostgres(ctx); err != nil {
		return err
	}
	if err := s.prepareRedis(); err != nil {
		return fmt.Errorf("prepare redis: %w", err)
	}
	for _, role := range append(plan.Services(), plan.Load, plan.Batch) {
		if err := s.prepareService(role); err != nil {
			return fmt.Errorf("prepare %s: %w", role, err)
		}
	}
	s.memory = newMemoryGroup(s.groupName(), memoryLimit)
	s.cfg.Log.Info("memory of checkout is limited", "by", s.memory.String())
	return nil
}

func (s *Supervisor) prepareService(role plan.Role) error {
	program := s.plan.Programs[role]
	stamp := release.Stamp{Role: role, Name: program.Name, Version: program.Version}
	if err := release.Deploy(s.dir, s.cfg.Program, stamp); err != nil {
		return err
	}
	if role == plan.Batch {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.dir.Switches(program.Name)), 0o755); err != nil {
		return err
	}
	text, err := s.config(role).YAML()
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.dir.Config(program.Name), text, 0o600); err != nil {
		return err
	}
	return s.services.own(s.dir.Config(program.Name))
}

func redisBinary() (string, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", errors.New("Redis is not installed: run apt-get install redis-server") //nolint:staticcheck // a name
	}
	return filepath.EvalSymlinks(path) // Debian links it to another of its programs
}

// prepareRedis copies redis-server, because a process is known by the name of its executable.
func (s *Supervisor) prepareRedis() error {
	if err := s.services.mkdir(s.dir.Redis(), 0o700); err != nil {
		return err
	}
	target := s.dir.RedisExecutable(s.plan.Redis.Name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	in, err := os.Open(s.redis)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (s *Supervisor) redisServer() program {
	name := s.plan.Redis.Name
	return program{
		name: name, path: s.dir.RedisExecutable(name), dir: s.dir.Redis(), log: s.dir.Log(name), as: s.services, stop: unix.SIGTERM,
		args: []string{
			"--port", strconv.Itoa(s.plan.Redis.Port), "--bind", "127.0.0.1", "--unixsocket", backstage.RedisSocket, "--unixsocketperm", "700",
			"--save", "", "--appendonly", "no", "--maxmemory", s.plan.Redis.Limit, "--maxmemory-policy", "noeviction",
		},
	}
}
