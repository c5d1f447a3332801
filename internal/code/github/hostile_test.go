package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
)

var sha = strings.Repeat("a", 40)

func TestRedirectToAnotherHost(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	server := githubtest.Start(t)
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		server.Before(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
			return true
		})
		if _, err := client(t, server.URL, nil).Commit(t.Context(), repo, sha); !errors.Is(err, code.ErrUnsafe) {
			t.Errorf("%d: %v, want ErrUnsafe", status, err)
		}
	}
	if asked {
		t.Error("the other host was asked")
	}
}

// TestRedirectOfWriting must not become a GET, nor write elsewhere.
func TestRedirectOfWriting(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := githubtest.Start(t)
		r := newShop(server)
		server.Before(func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method == http.MethodPost {
				http.Redirect(w, q, "/repos/acme/shop/pulls", status)
				return true
			}
			return false
		})
		if _, err := client(t, server.URL, writer).Publish(t.Context(), proposal(r.two)); !errors.Is(err, code.ErrUnsafe) {
			t.Errorf("%d: %v, want ErrUnsafe", status, err)
		}
	}
}

func TestRenamedRepository(t *testing.T) {
	server := githubtest.Start(t)
	r := newShop(server)
	server.Before(func(w http.ResponseWriter, q *http.Request) bool {
		if strings.HasPrefix(q.URL.Path, "/repositories/7/") {
			q.URL.Path = strings.Replace(q.URL.Path, "/repositories/7/", "/repos/acme/shop/", 1)
			return false
		}
		http.Redirect(w, q, strings.Replace(q.URL.Path, "/repos/acme/shop/", "/repositories/7/", 1), http.StatusMovedPermanently)
		return true
	})
	if _, err := client(t, server.URL, nil).Commit(t.Context(), repo, r.one); err != nil {
		t.Error(err)
	}
}

func TestRedirectsInCircles(t *testing.T) {
	server := githubtest.Start(t)
	server.Before(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return true
	})
	if _, err := client(t, server.URL, nil).Commit(t.Context(), repo, sha); !errors.Is(err, code.ErrUnsafe) || len(server.Requests()) > 5 {
		t.Errorf("%v after %d requests", err, len(server.Requests()))
	}
}

func TestHugeAnswer(t *testing.T) {
	server := githubtest.Start(t)
	var sent atomic.Int64 // the handler may still write when the client has had enough
	server.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		chunk := []byte(`{"path":"` + strings.Repeat("x", 1<<20) + `","mode":"100644","type":"blob","sha":"` + sha + `"},`)
		_, _ = w.Write([]byte(`{"tree":[`))
		for range 100 {
			n, err := w.Write(chunk)
			if sent.Add(int64(n)); err != nil {
				return true
			}
		}
		return true
	})
	if _, err := client(t, server.URL, nil).Tree(t.Context(), code.At{Repository: repo, Commit: sha}, ""); !errors.Is(err, code.ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
	if sent.Load() > 64<<20 {
		t.Errorf("%d bytes were taken", sent.Load())
	}
}

func TestEndlessPages(t *testing.T) {
	server := githubtest.Start(t)
	page := 0
	server.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		page++
		w.Header().Set("Link", fmt.Sprintf(`<https://elsewhere.example.org/x?page=%d>; rel="next"`, page+1))
		fmt.Fprintf(w, `{"status":"ahead","total_commits":100000,"commits":[{"sha":"%s","commit":{"message":"m"}}]}`, sha)
		return true
	})
	got, err := client(t, server.URL, nil).Commits(t.Context(), repo, sha, strings.Repeat("b", 40))
	if err != nil || page > 5 || got.Total != 100000 || len(got.Added) != page {
		t.Errorf("%d commits of %d on %d pages, %v", len(got.Added), got.Total, page, err)
	}
}

// TestContentThatIsNotTheCommits serves other files than their names say.
func TestContentThatIsNotTheCommits(t *testing.T) {
	server := githubtest.Start(t)
	r := newShop(server)
	server.Before(func(w http.ResponseWriter, q *http.Request) bool {
		if strings.Contains(q.URL.Path, "/git/blobs/") {
			fmt.Fprint(w, "something else")
			return true
		}
		return false
	})
	_, err := client(t, server.URL, nil).File(t.Context(), code.At{Repository: repo, Commit: r.one}, "till/till.go")
	if !errors.Is(err, code.ErrUnsafe) {
		t.Errorf("%v, want ErrUnsafe", err)
	}
}

func TestPathsOfATreeAreChecked(t *testing.T) {
	server := githubtest.Start(t)
	server.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprintf(w, `{"tree":[{"path":"../x","mode":"100644","type":"blob","sha":"%[1]s"},{"path":"/x","mode":"100644","type":"blob","sha":"%[1]s"},
			{"path":"link","mode":"120000","type":"blob","sha":"%[1]s"},{"path":"sub","mode":"160000","type":"commit","sha":"%[1]s"},
			{"path":"ok","mode":"100644","type":"blob","sha":"%[1]s"},{"path":"bad","mode":"100644","type":"blob","sha":"../../user"}]}`, sha)
		return true
	})
	tree, err := client(t, server.URL, nil).Tree(t.Context(), code.At{Repository: repo, Commit: sha}, "")
	if err != nil || len(tree.Files) != 1 || tree.Files[0].Path != "ok" {
		t.Errorf("%+v, %v", tree, err)
	}
}

func TestRateLimits(t *testing.T) {
	later := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	cases := map[string]struct {
		status int
		header map[string]string
		body   string
		waits  bool // short enough to be waited for
	}{
		"primary":         {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5000", "X-RateLimit-Reset": later(20 * time.Minute)}, `{"message":"API rate limit exceeded"}`, false},
		"primary, over":   {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5000", "X-RateLimit-Reset": later(-time.Minute)}, `{"message":"API rate limit exceeded"}`, true},
		"secondary":       {403, map[string]string{"Retry-After": "600"}, `{"message":"slow down","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`, false},
		"secondary, soon": {403, map[string]string{"Retry-After": "0"}, `{"message":"slow down","documentation_url":"https://docs.github.com/rest#about-secondary-rate-limits"}`, true},
		"429":             {429, map[string]string{"Retry-After": "600"}, `{"message":"too many requests"}`, false},
		"429, soon":       {429, map[string]string{"Retry-After": "0"}, `{"message":"too many requests"}`, true},
		"says nothing":    {429, nil, `{}`, false},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := githubtest.Start(t)
			r := newShop(server)
			first := true
			server.Before(func(w http.ResponseWriter, _ *http.Request) bool {
				if !first && k.waits {
					return false
				}
				first = false
				for n, v := range k.header {
					w.Header().Set(n, v)
				}
				w.WriteHeader(k.status)
				fmt.Fprint(w, k.body)
				return true
			})
			began := time.Now()
			_, err := client(t, server.URL, nil).Commit(t.Context(), repo, r.one)
			var limited *code.RateLimited
			switch {
			case k.waits && err != nil:
				t.Errorf("%v, want a short wait and an answer", err)
			case !k.waits && (!errors.As(err, &limited) || time.Until(limited.Until) < 30*time.Second || time.Since(began) > 25*time.Second):
				t.Errorf("%v after %s, want RateLimited at once", err, time.Since(began))
			}
		})
	}
}

func TestGraphQLRateLimit(t *testing.T) {
	server := githubtest.Start(t)
	server.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
		fmt.Fprint(w, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}`)
		return true
	})
	_, err := client(t, server.URL, nil).Blame(t.Context(), code.At{Repository: repo, Commit: sha}, "x")
	var limited *code.RateLimited
	if !errors.As(err, &limited) {
		t.Errorf("%v, want RateLimited", err)
	}
}
