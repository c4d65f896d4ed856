//go:build js && wasm

package main

import (
	"fmt"
	"runtime/debug"
	"syscall/js"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/web/internal/api"
)

// main hands the functions to the JavaScript beside it and waits for calls. The
// scope that npm/nitroattest.js gives to this program has hardly more in it than
// the function "exports": no network, no files, no page.
func main() {
	library := &api.Library{}
	calls := map[string]any{
		"version":  version(),
		"appraise": function(func(args []js.Value) ([]byte, error) { return library.Appraise(bytesOf(args[0]), bytesOf(args[1])) }),
		"identify": function(func(args []js.Value) ([]byte, error) { return []byte(api.Identify(bytesOf(args[0]))), nil }),
	}
	addReport(calls, library)
	js.Global().Call("exports", calls)
	select {}
}

// function makes what JavaScript calls: it returns a string, or an object with
// the failure in JSON.
func function(f func(args []js.Value) ([]byte, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		data, err := safely(func() ([]byte, error) { return f(args) })
		if err != nil {
			return map[string]any{"failure": string(api.FailureOf(err))}
		}
		return string(data)
	})
}

// safely turns a panic into an error: it would end the program, and every later
// call with it.
func safely(f func() ([]byte, error)) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			data, err = nil, fmt.Errorf("fault in the verifier, which is not about the document: %v", r)
		}
	}()
	return f()
}

func bytesOf(v js.Value) []byte {
	data := make([]byte, v.Length())
	js.CopyBytesToGo(data, v)
	return data
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
