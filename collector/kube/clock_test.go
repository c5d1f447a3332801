package kube_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/collector/kube"
)

// TestClocksThatDisagree: times that the API server wrote into objects are brought to this machine's clock, which telemetry is by.
func TestClocksThatDisagree(t *testing.T) {
	const ahead = 7 * time.Minute
	c := startCluster(t)
	made, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("old", nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.watch(func(cfg *kube.Config) { cfg.Cluster = &rest.Config{Host: c.withClock(ahead), QPS: -1} })
	old := c.await("what was there", func(r record) bool { return r.is("ConfigMap", "old", "added") })
	if off := old.time.Sub(made.CreationTimestamp.Add(-ahead)); off.Abs() > 2*time.Second {
		t.Errorf("made at %s by a clock that is %s ahead, published as of %s", made.CreationTimestamp, ahead, old.time)
	}
	before := time.Now()
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("new", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	seen := c.await("what was seen", func(r record) bool { return r.is("ConfigMap", "new", "added") })
	if seen.time.Before(before.Add(-time.Second)) || seen.time.After(time.Now()) {
		t.Errorf("seen as it happened after %s, published as of %s", before, seen.time)
	}
}

// withClock is the address of the API server with another clock.
func (c *cluster) withClock(ahead time.Duration) string {
	c.t.Helper()
	to, err := url.Parse(c.api.Config.Host)
	if err != nil {
		c.t.Fatal(err)
	}
	transport, err := rest.TransportFor(c.api.Config)
	if err != nil {
		c.t.Fatal(err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: transport, FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			return nil
		},
	})
	c.t.Cleanup(s.CloseClientConnections)
	c.t.Cleanup(s.Close) // runs after the watcher stopped
	return s.URL
}
