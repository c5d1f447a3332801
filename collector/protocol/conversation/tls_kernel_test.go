package conversation_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// libraryOf is the TLS library that Python uses.
func libraryOf(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import ssl; print([l.split()[-1] for l in open('/proc/self/maps') if 'libssl' in l][0])").Output()
	if err != nil {
		t.Skipf("needs python3 with OpenSSL: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestKernelOpenSSL(t *testing.T) {
	library := libraryOf(t)
	r := watch(t)
	if err := r.probe.Decrypt(library); err != nil {
		t.Fatal(err)
	}
	cert, key := protocoltest.Certificate(t)
	server := exec.Command("python3", "testdata/https_server.py", cert, key)
	server.Stderr = os.Stderr
	addr := serve(t, server)
	const n = 300
	client := exec.Command("python3", "testdata/https_client.py", addr.Addr().String(), strconv.Itoa(int(addr.Port())), strconv.Itoa(n))
	client.Stderr = os.Stderr
	run(t, client)
	for end, calls := range r.both(t, addr.Port(), n, func(seen) bool { return true }) {
		for i, c := range calls {
			want := [][2]string{{"/items/{id}", "200"}, {"/missing/x", "404"}, {"/large", "200"}}[i%3]
			if c.Operation != "GET" || c.Resource != want[0] || c.Status != want[1] || c.Duration <= 0 || (c.ResponseBytes > 50_000) != (i%3 == 2) {
				t.Fatalf("%s, %d: %+v", end, i, c.Call)
			}
		}
	}
}
