//go:build js && wasm && !noreport

package main

import (
	"syscall/js"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/web/internal/api"
)

// addReport adds the functions that write HTML and measure images. The packages
// that they take are a third of the program.
func addReport(calls map[string]any, library *api.Library) {
	calls["measure"] = js.FuncOf(measure)
	calls["report"] = function(func(args []js.Value) ([]byte, error) {
		documents := make([]api.Document, args[0].Length())
		for i := range documents {
			documents[i] = api.Document{Name: args[0].Index(i).Get("name").String(), Data: bytesOf(args[0].Index(i).Get("data"))}
		}
		return library.Report(documents, bytesOf(args[1]), version())
	})
}

// measure calls args[4] with what it found, or args[5] with an error. It has to
// wait for the pieces of the file, which no call from JavaScript may.
func measure(_ js.Value, args []js.Value) any {
	go func() {
		data, err := safely(func() ([]byte, error) {
			return api.Measure(&pieces{read: args[0]}, int64(args[1].Float()), api.MeasureOptions{Kind: args[2].String(), Kernel: args[3].String()})
		})
		if err != nil {
			args[5].Invoke(string(api.FailureOf(err)))
			return
		}
		args[4].Invoke(string(data))
	}()
	return nil
}
