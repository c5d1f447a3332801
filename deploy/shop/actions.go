// Package shop is the demo shop's knowledge of itself: what may be done to it, and what each way to break it should be
// recognized as. The programs are in cmd/shop, their parts in the packages below.
package shop

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/template"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

//go:embed actions.yaml
var actionsYAML string

// FaultsYAML says what each fault should be recognized as; judge reads it.
//
//go:embed faults.yaml
var FaultsYAML []byte

// Actions writes the actions section of a Midwatch configuration for the shop in dir, which must have been started.
// program is the absolute path of shop. The output holds the password of a database user.
func Actions(w io.Writer, dir home.Dir, p plan.Plan, program string) error {
	b, err := os.ReadFile(dir.Secrets())
	if err != nil {
		return fmt.Errorf("write actions: start the shop first: %w", err)
	}
	var secrets home.Secrets
	if err := yaml.Unmarshal(b, &secrets); err != nil {
		return fmt.Errorf("write actions: %s: %w", dir.Secrets(), err)
	}
	var services []string
	for _, role := range plan.Services() {
		services = append(services, p.Programs[role].Name)
	}
	t, err := template.New("actions").Funcs(template.FuncMap{
		"quote": strconv.Quote,
		"list":  func(names []string) string { return "[" + strings.Join(names, ", ") + "]" },
	}).Parse(actionsYAML)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{
		"Program": program, "Dir": string(dir), "Services": services, "Redis": p.Redis.Name, "Limit": p.Redis.Limit,
		"IndexBuilder": secrets.IndexBuilder,
	})
}
