package clickhouse

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"github.com/midwatch/midwatch/deploy/clickhouse/server"
)

// keySize is the length of the disk's key, in bytes.
const keySize = 32

// Config says where the embedded ClickHouse keeps its data and how it is reached. Default has what may be left out.
type Config struct {
	Library     string `yaml:"library"`      // path of libchdb.so
	Dir         string `yaml:"dir"`          // data directory, made if missing; owned by one process at a time
	Listen      string `yaml:"listen"`       // host:port of the native protocol; port 0 takes a free one
	MemoryLimit int64  `yaml:"memory_limit"` // bytes that all queries, merges and caches may take together; 0 means 2 GiB
	MaxSessions int    `yaml:"max_sessions"` // most connections at a time; 0 means 200
	User        string `yaml:"user"`         // name clients present; empty means "default"
	Password    string `yaml:"-"`            // password clients present, on top of their certificate; may be empty

	TLS   *tls.Config `yaml:"-"` // how clients are met; nil is refused, for there is no plain port
	Key   []byte      `yaml:"-"` // 32 bytes; all data on disk is encrypted with it
	Ready func()      `yaml:"-"` // called once, when the port accepts; may be nil

	Timeouts server.Timeouts `yaml:"-"` // how long clients may take; zeros mean what is usual

	Log *slog.Logger `yaml:"-"` // nil means slog.Default()
}

// Default is the configuration that `midwatch up` starts from.
func Default() Config {
	return Config{Listen: "127.0.0.1:19000", MemoryLimit: 2 << 30, MaxSessions: 200, User: "default"}
}

// normal fills in what may be left out and refuses what is wrong.
func (c Config) normal() (Config, error) {
	d := Default()
	if c.Listen == "" {
		c.Listen = d.Listen
	}
	if c.MemoryLimit == 0 {
		c.MemoryLimit = d.MemoryLimit
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = d.MaxSessions
	}
	if c.User == "" {
		c.User = d.User
	}
	c.Timeouts = c.Timeouts.Usual()
	if c.Log == nil {
		c.Log = slog.Default()
	}
	var problems []error
	refuse := func(when bool, format string, args ...any) {
		if when {
			problems = append(problems, fmt.Errorf("clickhouse: "+format, args...))
		}
	}
	refuse(c.Library == "", "library: give the path of libchdb.so")
	refuse(c.Dir == "", "dir: give a directory for the data")
	refuse(c.MemoryLimit < 256<<20, "memory_limit: %d bytes are not enough to work with; give at least 256 MiB", c.MemoryLimit)
	refuse(c.MaxSessions < 1, "max_sessions: %d admits nobody", c.MaxSessions)
	refuse(c.TLS == nil, "no TLS configuration: there is no plain port")
	refuse(len(c.Key) != keySize, "the disk key has %d bytes instead of %d", len(c.Key), keySize)
	return c, errors.Join(problems...)
}
