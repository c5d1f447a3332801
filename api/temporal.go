package api

import (
	"net/http"
	"net/http/httputil"

	"github.com/midwatch/midwatch/internal/auth"
)

// temporalPath is where the Temporal UI is shown; its server has to be told the same path.
const temporalPath = "/temporal/"

// temporalUI shows the Temporal UI to whoever is signed in. Only reading passes, whatever its server would allow, and our
// credentials stay here.
func (s *Server) temporalUI() http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(s.cfg.TemporalUI)
			r.Out.Header.Del("Authorization")
			r.Out.Header.Del("Cookie")
		},
		Transport: &http.Transport{TLSClientConfig: s.cfg.TemporalTLS, MaxIdleConns: 32, MaxConnsPerHost: 32, ResponseHeaderTimeout: toolTimeout},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Set-Cookie")
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			s.cfg.Log.Warn("show the Temporal UI", "path", r.URL.Path, "error", err)
			writeProblem(w, http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writeProblem(w, http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Security-Policy", temporalPolicy(r.Host, r.URL.Path))
		proxy.ServeHTTP(w, r)
	})
}

// renderPath shows one summary. The Temporal UI frames it wherever a summary stands: without it a timeline has no words.
const renderPath = temporalPath + "render"

// temporalPolicy is looser than ours where pages of the Temporal UI need it: it starts itself with an inline
// script, and frames its own summaries, which need nothing but their style. Its requests stay below its own path, so that a
// flaw in it does not reach our API.
func temporalPolicy(host, path string) string {
	if path == renderPath {
		return "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
	}
	return "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; " +
		"img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; manifest-src 'self'; base-uri 'self'; form-action 'none'; " +
		"frame-ancestors 'none'; frame-src https://" + host + renderPath + "; connect-src https://" + host + temporalPath + " https://" + host + "/codec/"
}

// codec opens sealed Temporal payloads for operators, who see them in the Temporal UI, and records who did.
func (s *Server) codec() http.Handler {
	open := http.StripPrefix("/codec", s.cfg.Codec)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := caller(r.Context())
		if !who.Role.Allows(auth.Operator) {
			_ = s.audit(r.Context(), who.Subject, "codec", r.URL.Path, "denied", "needs role operator")
			writeProblem(w, http.StatusForbidden)
			return
		}
		if err := s.audit(r.Context(), who.Subject, "codec", r.URL.Path, "allowed", r.Header.Get("X-Namespace")); err != nil {
			writeProblem(w, http.StatusInternalServerError)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxCodecBody)
		w.Header().Set("Cache-Control", "no-store")
		open.ServeHTTP(w, r)
	})
}

// maxCodecBody is more than a page of a history: 16 MB.
const maxCodecBody = 16 << 20
