package silence

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
)

const environment = "quiet"

// Providers that answer nobody here. The first two are tried when AI is on: one by its address, one by its name.
const (
	address = "203.0.113.7"
	vendor  = "api.anthropic.com"
)

// configuration has all kinds of providers, with credentials; the last one's would be asked for at the machine's own metadata service.
const configuration = `
environment: ` + environment + `
ai:
  providers:
    - {name: by-address, kind: openai, account: a, model: m, terms: t, base_url: "https://` + address + `/v1", key_file: KEYS/openai, timeout: 3s, price: {input: 1, output: 1}}
    - {name: by-name, kind: anthropic, account: a, model: m, terms: t, key_file: KEYS/anthropic, timeout: 3s, price: {input: 1, output: 1}}
    - {name: with-keys, kind: bedrock, account: a, model: m, terms: t, region: eu-central-1, key_file: KEYS/aws, timeout: 3s, price: {input: 1, output: 1}}
    - {name: machine, kind: bedrock, account: a, model: m, terms: t, region: eu-central-1, timeout: 3s, price: {input: 1, output: 1}}
`

// midwatch is a whole installation, as its README says to start it.
type midwatch struct {
	t       *testing.T
	program string
	data    string
	api     *client.Client
}

// program is what `make build` built.
func program(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/midwatch")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("bin/midwatch is not built: make build")
	}
	return path
}

// start starts everything and returns when it is ready.
func start(t *testing.T) *midwatch {
	t.Helper()
	m := &midwatch{t: t, program: program(t), data: t.TempDir()}
	for name, content := range map[string]string{
		"openai": "sk-quiet", "anthropic": "sk-ant-quiet", "aws": "[default]\naws_access_key_id = AKIAQUIET\naws_secret_access_key = quiet\n",
		"midwatch.yaml": strings.ReplaceAll(configuration, "KEYS", m.data),
	} {
		if err := os.WriteFile(filepath.Join(m.data, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.up()
	trust, err := pki.Trust(filepath.Join(m.data, "pki"), pki.API)
	if err != nil {
		t.Fatal(err)
	}
	create := exec.CommandContext(t.Context(), m.program, append([]string{"token", "create", "--subject", "test", "--role", "admin"}, m.flags()...)...)
	token, err := create.Output()
	if err != nil {
		t.Fatalf("create a token: %v", err)
	}
	m.api = client.New("https://127.0.0.1:18420", trust, strings.TrimSpace(string(token)))
	return m
}

func (m *midwatch) flags() []string {
	return []string{"--data", m.data, "--config", filepath.Join(m.data, "midwatch.yaml"), "--log-level", "warn"}
}

// up starts `midwatch up` until the test ends.
func (m *midwatch) up() {
	m.t.Helper()
	cmd := exec.Command(m.program, append([]string{"up"}, m.flags()...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(os.Stderr, lines.Text())
			if strings.HasPrefix(lines.Text(), "Midwatch is up") {
				close(ready)
			}
		}
		_ = cmd.Wait()
	}()
	m.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	select {
	case <-ready:
	case <-ended:
		m.t.Fatal("midwatch ended")
	}
}

// ask begins an investigation and returns its id.
func (m *midwatch) ask(question string) string {
	m.t.Helper()
	asked, err := m.api.Ask(m.t.Context(), question, "")
	if err != nil {
		m.t.Fatal(err)
	}
	return asked.Investigation
}

// report waits for the end of an investigation.
func (m *midwatch) report(id string) *investigation.Report {
	m.t.Helper()
	var found wire.InvestigationDetail
	wait(m.t, "the report of "+id, func() bool {
		inv, err := m.api.Investigation(m.t.Context(), id)
		found = inv
		return err == nil && inv.Report != nil
	})
	return found.Report
}

// switchAI does what an admin does in Settings.
func (m *midwatch) switchAI(on bool) {
	m.t.Helper()
	put := wire.PutAI{Enabled: &on}
	if on {
		put.DataTypes, put.Providers = []string{string(investigation.Metrics), string(investigation.Logs)}, []string{"by-address", "by-name"}
		for _, name := range put.Providers {
			put.Confirm = append(put.Confirm, wire.Confirm{Provider: name, Terms: "t"})
		}
	}
	if _, err := m.api.PutAI(m.t.Context(), environment, put); err != nil {
		m.t.Fatal(err)
	}
}
