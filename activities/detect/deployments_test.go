package detect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// rolls tells how many pods of the deployment web there are at a second, and how many of two are of its newest template.
func (c *cluster) rolls(second, pods, updated int) *cluster {
	return c.tell(second, "deployment/web", "Deployment", "web", fmt.Sprintf(`"spec":{"replicas":2},"status":{"replicas":%d,"updatedReplicas":%d,"readyReplicas":2,"availableReplicas":2}`, pods, updated))
}

// ready tells how many of two pods of the newest template serve at a second.
func (c *cluster) ready(second, pods int) *cluster {
	return c.tell(second, "deployment/web", "Deployment", "web", fmt.Sprintf(`"spec":{"replicas":2},"status":{"replicas":2,"updatedReplicas":2,"readyReplicas":%d,"availableReplicas":%d}`, pods, pods))
}

// image tells at a second that the deployment web has got another image.
func (c *cluster) image(second int) *cluster {
	return c.change(second, telemetry.EventDeployment, "Deployment/web", telemetry.ChangeImage, "shop/web:1", "shop/web:2", "")
}

// TestARolloutCountsFromWhenItIsDone: what its pods do while they are replaced one by one is not what the new version does.
func TestARolloutCountsFromWhenItIsDone(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func(*cluster)
		at   int    // second at which it is looked
		want string // kind of change and second at which it was made
	}{
		{"under way", func(c *cluster) { c.image(10).rolls(10, 2, 0).rolls(14, 3, 1) }, 20, ""},
		{"old pods are left", func(c *cluster) { c.image(10).rolls(10, 2, 0).rolls(14, 3, 2) }, 20, ""},
		{"done", func(c *cluster) { c.image(10).rolls(10, 2, 0).rolls(14, 2, 2) }, 20, "image 10"},
		{"done after ten minutes", func(c *cluster) { c.image(10).rolls(10, 2, 0).rolls(610, 2, 2) }, 620, "image 10"},
		{"done long ago", func(c *cluster) { c.image(10).rolls(10, 2, 0).rolls(14, 2, 2) }, 140, ""},
		{"done long ago, and a pod was away since", func(c *cluster) { c.image(10).rolls(10, 2, 0).rolls(14, 2, 2).ready(900, 1).ready(930, 2) }, 940, ""},
		{"done at last, after a pod was away", func(c *cluster) { c.image(10).rolls(10, 2, 0).rolls(14, 2, 1).ready(900, 1).ready(930, 2) }, 940, "image 10"},
		{"only told of, so far", func(c *cluster) { c.rolls(5, 2, 2).image(10) }, 12, ""},
		{"changed again while under way", func(c *cluster) { c.image(10).rolls(10, 2, 0).image(20).rolls(20, 3, 0).rolls(30, 2, 2) }, 35, "image 20"},
		{"a ConfigMap, which has no rollout", func(c *cluster) {
			c.change(10, telemetry.EventDeployment, "ConfigMap/settings", telemetry.ChangeConfiguration, "", "", "")
		}, 12, "configuration 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := storetest.Open(t)
			world, d := told(t, db, ingesttest.Client(t, db), toolstest.Environment, c.tell)
			now := world.start.Add(time.Duration(c.at) * time.Second)
			toolstest.WriteSpans(t, db, []toolstest.Span{{Time: now.Add(-time.Second), Env: toolstest.Environment, Service: "web.shop", Kind: "server", Name: "GET /", Status: "unset"}})
			raised, err := d.Deployments(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range raised {
				got = append(got, fmt.Sprintf("%s %.0f", r.Attributes[telemetry.ChangeKind], r.Onset.Sub(world.start).Seconds()))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
