package service

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// Config is one program's configuration file. A program reads only the parts it needs.
type Config struct {
	Listen    string               `yaml:"listen,omitempty"`    // address, 127.0.0.1 and a port
	Upstreams map[plan.Role]string `yaml:"upstreams,omitempty"` // http://host:port
	Timeout   time.Duration        `yaml:"timeout,omitempty"`   // of one call to an upstream; 0: 3s
	Postgres  *Postgres            `yaml:"postgres,omitempty"`
	Redis     *Redis               `yaml:"redis,omitempty"`
	Rate      int                  `yaml:"rate,omitempty"`     // load only: requests per second
	Switches  string               `yaml:"switches,omitempty"` // run-time switches, read four times a second; may be missing
}

// Postgres is how a service reaches its tables.
type Postgres struct {
	DSN         string            `yaml:"dsn"`
	Connections int32             `yaml:"connections"`
	Tables      map[string]string `yaml:"tables"`  // plain name → name in this run
	Columns     map[string]string `yaml:"columns"` // the same for columns
}

// Redis is how a service reaches its keys.
type Redis struct {
	Address     string        `yaml:"address"`
	Connections int           `yaml:"connections"`
	Wait        time.Duration `yaml:"wait"` // longest wait for a free connection
	Prefix      string        `yaml:"prefix"`
}

// ReadConfig reads a configuration file. Unknown keys are errors.
func ReadConfig(file string) (Config, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	c := Config{Timeout: 3 * time.Second}
	if err := dec.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("read configuration %s: %w", file, err)
	}
	return c, nil
}

// YAML is the configuration as a file.
func (c Config) YAML() ([]byte, error) { return yaml.Marshal(c) }
