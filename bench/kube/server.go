package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/kube"
)

// serve answers as an API server: discovery, lists in pages, watches.
func (w *world) serve() http.Handler {
	groups := map[string][]string{}
	for _, k := range kube.Kinds() {
		r := k[0]
		path := "/apis/" + r.Group + "/" + r.Version
		if r.Group == "" {
			path = "/api/" + r.Version
		}
		groups[path] = append(groups[path], r.Name)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/kube-system", func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, `{"metadata":{"uid":"bench"}}`)
	})
	for path, resources := range groups {
		mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) { discover(rw, resources) })
		for _, name := range resources {
			mux.HandleFunc("GET "+path+"/"+name, func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("watch") != "" {
					w.watch(rw, r, name)
					return
				}
				w.page(rw, r, name)
			})
		}
	}
	return mux
}

func discover(rw http.ResponseWriter, resources []string) {
	type entry struct {
		Name  string   `json:"name"`
		Verbs []string `json:"verbs"`
	}
	var list []entry
	for _, r := range resources {
		list = append(list, entry{r, []string{"get", "list", "watch"}})
	}
	_ = json.NewEncoder(rw).Encode(map[string]any{"resources": list}) // or the client went away
}

func (w *world) page(rw http.ResponseWriter, r *http.Request, resource string) {
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("continue"))
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil {
		limit = 500
	}
	items, total, version := w.list(resource, from, limit)
	next := ""
	if from+limit < total {
		next = strconv.Itoa(from + limit)
	}
	fmt.Fprintf(rw, `{"kind":"List","metadata":{"resourceVersion":"%d","continue":%q},"items":[`, version, next)
	for i, item := range items {
		if i > 0 {
			_, _ = rw.Write([]byte{','})
		}
		_, _ = rw.Write(item)
	}
	fmt.Fprint(rw, "]}")
}

const bookmarkEvery = 5 * time.Second

func (w *world) watch(rw http.ResponseWriter, r *http.Request, resource string) {
	at, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	flusher, ok := rw.(http.Flusher)
	if !ok {
		http.Error(rw, "no streaming", http.StatusInternalServerError)
		return
	}
	flusher.Flush()
	tick := time.NewTicker(bookmarkEvery)
	defer tick.Stop()
	for {
		events, more := w.after(resource, at)
		for _, e := range events {
			if _, err := rw.Write(e.line); err != nil {
				return
			}
			at = e.version
		}
		flusher.Flush()
		select {
		case <-more:
		case <-tick.C:
			fmt.Fprintf(rw, `{"type":"BOOKMARK","object":{"kind":%q,"metadata":{"resourceVersion":"%d"}}}`+"\n", strings.TrimSuffix(resource, "s"), at)
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}
