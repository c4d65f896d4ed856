//go:build js && wasm && !noreport

package main

import (
	"syscall/js"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/web/internal/api"
)

// addReport adds the function that writes HTML. The packages that it takes are
// a third of the program.
func addReport(calls map[string]any, library *api.Library) {
	calls["report"] = function(func(args []js.Value) ([]byte, error) {
		documents := make([]api.Document, args[0].Length())
		for i := range documents {
			documents[i] = api.Document{Name: args[0].Index(i).Get("name").String(), Data: bytesOf(args[0].Index(i).Get("data"))}
		}
		return library.Report(documents, bytesOf(args[1]), version())
	})
}
