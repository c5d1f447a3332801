package shop_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/control"
	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/supervisor"
)

// within is how long anything may take to show. It is far more than it takes, for machines that are busy.
const within = 60 * time.Second

// program is the shop, built once; cache is where shops of the test's own user share the filled database.
var program, cache string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("/var/tmp", "shop-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "shop")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/shop").CombinedOutput(); err != nil {
		panic(string(out))
	}
	cache = filepath.Join(dir, "cache")
	if err := os.Mkdir(cache, 0o755); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// running is a shop that a test started.
type running struct {
	*control.Shop
	t   *testing.T
	cmd *exec.Cmd
	out *strings.Builder
}

// start runs shop up as the given user, who owns the directory; nil is the user of the test.
func start(t *testing.T, seed uint64, as *syscall.Credential) *running {
	t.Helper()
	for _, tool := range []string{"/usr/lib/postgresql", "/usr/bin/redis-server"} {
		if _, err := os.Stat(tool); err != nil {
			t.Skipf("%s is missing: run apt-get install postgresql redis-server", tool)
		}
	}
	dir, err := os.MkdirTemp("/var/tmp", "shop-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p, err := plan.Random(seed)
	if err != nil {
		t.Fatal(err)
	}
	names := filepath.Join(dir, "names.yaml")
	if err := p.Save(names); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if as == nil {
		if err := os.Symlink(cache, filepath.Join(dir, "cache")); err != nil {
			t.Fatal(err)
		}
	} else {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	r := &running{t: t, out: &strings.Builder{}, cmd: exec.Command(program, "up", "--dir", dir, "--names", names)}
	r.cmd.Dir, r.cmd.Stderr, r.cmd.SysProcAttr = "/", r.out, &syscall.SysProcAttr{Credential: as, Setpgid: true}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.cmd.Process.Signal(os.Interrupt); r.cmd.Wait() }) //nolint:errcheck // stopped already, mostly
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.Contains(line, "the shop serves") {
		t.Fatalf("shop up said %q, %v\n%s", line, err, r.out)
	}
	if r.Shop, err = control.Open(home.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	return r
}

// group is the control group of checkout, "" if there is none.
func (r *running) group() string {
	_, after, _ := strings.Cut(r.out.String(), "control group ")
	group, _, _ := strings.Cut(after, ",")
	return group
}

// pids gives every process of the shop: those it lists and their descendants.
func (r *running) pids() []int {
	r.t.Helper()
	var out []int
	for _, p := range r.processes() {
		if p.PID != 0 {
			out = append(append(out, p.PID), children(p.PID)...)
		}
	}
	if len(out) < 8 {
		r.t.Fatalf("only %d processes run", len(out))
	}
	return out
}

func children(pid int) []int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // the process may be gone
	var out []int
	for _, field := range strings.Fields(string(b)) {
		var child int
		if _, err := fmt.Sscan(field, &child); err == nil {
			out = append(out, child)
		}
	}
	return out
}

func (r *running) processes() []supervisor.Process {
	r.t.Helper()
	all, err := r.Processes(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func (r *running) process(name string) supervisor.Process {
	r.t.Helper()
	for _, p := range r.processes() {
		if p.Name == name {
			return p
		}
	}
	return supervisor.Process{}
}

// answer is what the gateway said.
type answer struct {
	status int
	took   time.Duration
}

func (r *running) visit(method, path, body string) answer {
	r.t.Helper()
	url := fmt.Sprintf("http://127.0.0.1:%d%s", r.Plan.Programs[plan.Gateway].Port, path)
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{0, time.Since(begin)}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return answer{resp.StatusCode, time.Since(begin)}
}

func (r *running) listing() answer {
	return r.visit(http.MethodGet, "/products?category=cat-00042", "")
}
func (r *running) product() answer { return r.visit(http.MethodGet, "/products/sku-000042", "") }
func (r *running) stock() answer   { return r.visit(http.MethodGet, "/products/sku-000042/stock", "") }
func (r *running) cart() answer    { return r.visit(http.MethodGet, "/carts/tester", "") }
func (r *running) order() answer {
	return r.visit(http.MethodPost, "/orders", `{"user":"tester"}`)
}

func (r *running) add() answer {
	return r.visit(http.MethodPost, "/carts/tester/items", `{"sku":"sku-000042","quantity":1}`)
}

// healthy waits until every kind of request succeeds.
func (r *running) healthy() {
	r.t.Helper()
	eventually(r.t, "every request succeeds", func() bool {
		for _, a := range []answer{r.listing(), r.product(), r.stock(), r.cart(), r.add(), r.order()} {
			if a.status != http.StatusOK {
				return false
			}
		}
		return true
	})
}

func (r *running) log(role plan.Role) string {
	r.t.Helper()
	b, err := os.ReadFile(r.Dir.Log(r.Plan.Programs[role].Name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !cond(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// gone waits until none of the processes is left.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(stat), ") Z ") // init has yet to reap it
		})
	}
}
