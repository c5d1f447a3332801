// Package home knows where the files of one running shop are.
package home

import (
	"os"
	"path/filepath"
)

// Dir is the directory of one shop, an absolute path.
type Dir string

// New makes path absolute.
func New(path string) (Dir, error) {
	abs, err := filepath.Abs(path)
	return Dir(abs), err
}

func (d Dir) join(parts ...string) string {
	return filepath.Join(append([]string{string(d)}, parts...)...)
}

// Plan is the plan in use, written at each start.
func (d Dir) Plan() string { return d.join("shop.yaml") }

// Lock is held while the shop runs.
func (d Dir) Lock() string { return d.join("lock") }

// Control is the name of the supervisor's Unix socket; use DialUnix, a path can be too long for an address.
func (d Dir) Control() string { return d.join("control.sock") }

// Logs is the directory with one file per process.
func (d Dir) Logs() string { return d.join("logs") }

// Log is the log file of the program called name.
func (d Dir) Log(name string) string { return d.join("logs", name+".log") }

// Service is the directory with the versions and configurations of the program called name.
func (d Dir) Service(name string) string { return d.join("services", name) }

// Config is the configuration that the program called name starts with.
func (d Dir) Config(name string) string { return d.join("services", name, "config.yaml") }

// PreviousConfig is what Config was before it was last changed; it may be missing.
func (d Dir) PreviousConfig(name string) string {
	return d.join("services", name, "config.previous.yaml")
}

// Executable runs the current version of the program called name.
func (d Dir) Executable(name string) string { return d.join("services", name, "current", name) }

// Switches is the file of run-time switches of the program called name; it is missing while all are off.
func (d Dir) Switches(name string) string { return d.join("scratch", name, "switches.yaml") }

// Postgres is PostgreSQL's data directory, which also holds its Unix socket.
func (d Dir) Postgres() string { return d.join("postgres") }

// Cache keeps what can be used by the next start.
func (d Dir) Cache() string { return d.join("cache") }

// Redis is Redis' working directory, which also holds its Unix socket.
func (d Dir) Redis() string { return d.join("redis") }

// RedisExecutable is the copy of redis-server that runs under the planned name.
func (d Dir) RedisExecutable(name string) string { return d.join("bin", name) }

// Replace writes content to file in one step, keeping owner and mode of the file it replaces.
func Replace(file string, content []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, content, info.Mode().Perm()); err != nil {
		return err
	}
	if err := chownLike(tmp, info); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}
