package api

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

const noUI = "The web UI is not part of this build; `make` builds it. The API is under /api/v1/.\n"

// web serves the built web UI: files as they are, every other path its index page, which knows the pages of the UI.
func (s *Server) web() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writeProblem(w, http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		content, err := s.page(name)
		if errors.Is(err, fs.ErrNotExist) {
			name = "index.html"
			content, err = s.page(name)
		}
		if err != nil {
			http.Error(w, noUI, http.StatusNotFound)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		if strings.HasPrefix(name, "assets/") { // their names carry a digest of their content
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	})
}

// page reads a file of the UI. An asset that is missing is not a page of the UI.
func (s *Server) page(name string) ([]byte, error) {
	if s.cfg.Web == nil {
		return nil, errors.New("no web UI")
	}
	content, err := fs.ReadFile(s.cfg.Web, name)
	if err != nil && strings.HasPrefix(name, "assets/") {
		return nil, errors.New("no such asset")
	}
	if err != nil {
		return nil, fs.ErrNotExist // a directory, a strange name
	}
	return content, nil
}
