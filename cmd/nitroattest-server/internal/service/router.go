package service

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"path"
)

// router answers what one listener is for. Every request is observed, whatever
// it asks for.
type router struct {
	service *Service
	mux     *http.ServeMux
	nothing http.Handler // for paths that there are not
}

func (s *Service) newRouter(hint string) router {
	r := router{s, http.NewServeMux(), s.observe("other", func(http.ResponseWriter, *http.Request, *entry) error {
		return &problem{kind: notFound, detail: "there is nothing at this path; " + hint}
	})}
	r.mux.Handle("/", r.nothing)
	return r
}

// handle serves one method at a path and refuses the others.
func (r router) handle(method, path string, handler handler) {
	r.mux.Handle(method+" "+path, r.service.observe(path, handler))
	r.mux.Handle(path, r.service.observe(path, func(w http.ResponseWriter, r *http.Request, _ *entry) error {
		w.Header().Set("Allow", method)
		return &problem{kind: methodNotAllowed, detail: fmt.Sprintf("found %s, expected %s", r.Method, method)}
	}))
}

const profilesPath = "/debug/pprof/"

func (r router) handleProfiles() {
	for name, handler := range map[string]http.HandlerFunc{
		"": pprof.Index, "profile": pprof.Profile, "trace": pprof.Trace, "symbol": pprof.Symbol,
	} {
		r.mux.Handle("GET "+profilesPath+name, r.service.observe(profilesPath, func(w http.ResponseWriter, r *http.Request, _ *entry) error {
			handler(w, r)
			return nil
		}))
	}
}

// ServeHTTP implements [http.Handler].
func (r router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	// The mux would redirect a path such as //v1/verify, and nobody would log it.
	// Profiles have names below a path that ends with a slash.
	if clean := path.Clean(request.URL.Path); clean != request.URL.Path && clean+"/" != profilesPath {
		r.nothing.ServeHTTP(w, request)
		return
	}
	r.mux.ServeHTTP(w, request)
}
