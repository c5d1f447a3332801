// Package shop is the demo shop's knowledge of itself: what may be done to it, and what each way to break it should be
// recognized as. The programs are in cmd/shop, their parts in the packages below.
package shop

import (
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

//go:embed actions.yaml
var actionsYAML string

// FaultsYAML says what each fault should be recognized as; judge reads it.
//
//go:embed faults.yaml
var FaultsYAML []byte

// Actions writes the actions section of a Midwatch configuration for the shop in dir, which need not run yet. program is
// the absolute path of shop. The output holds the password of a database user.
func Actions(w io.Writer, dir home.Dir, p plan.Plan, program string) error {
	secret, err := dir.Secret("index-builder")
	if err != nil {
		return fmt.Errorf("write actions: %w", err)
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
		"IndexBuilder": p.Postgres.DSN("index_builder", secret),
	})
}
