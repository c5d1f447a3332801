package client_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/api/client"
)

// TestWhatIsNotThereIsNamed: whoever mistyped an id reads what there is not and how to list what there is, and no path of the api.
func TestWhatIsNotThereIsNamed(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	c := client.New(server.URL, server.Client().Transport.(*http.Transport).TLSClientConfig, "token")
	for path, want := range map[string]string{
		"investigations/inv-1":             `there is no investigation "inv-1"; ` + "`midwatch investigations list`",
		"investigations/inv-1/cancel":      `there is no investigation "inv-1"`,
		"investigations/a%2Fb/evidence/e1": `there is no evidence "e1"`,
		"services/cart?from=1":             `there is no service "cart"`,
		"something/else":                   "of the same version",
	} {
		err := c.Do(t.Context(), http.MethodGet, "/api/v1/"+path, nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "/") && !strings.Contains(path, "%2F") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
