package temporal

import "testing"

// Whoever is not on this machine comes with a certificate: the frontend always asks for one, the web UI where its users are named.
func TestWebUIIsNotOpenToTheNetwork(t *testing.T) {
	for _, c := range []struct {
		listen, ui string
		clients    []string
		ok         bool
	}{
		{"127.0.0.1:1", "127.0.0.1:2", nil, true},
		{"0.0.0.0:1", "", nil, true},
		{"0.0.0.0:1", "0.0.0.0:2", []string{"api"}, true},
		{"0.0.0.0:1", "0.0.0.0:2", nil, false},
		{"127.0.0.1:1", "10.0.0.1:2", nil, false},
		{"here:1", "", nil, false},
	} {
		_, err := New(Config{DB: "db", PKI: "pki", Namespace: "n", Listen: c.listen, UIListen: c.ui, UIClients: c.clients})
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
