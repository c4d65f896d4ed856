//go:build !js || !wasm

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "web: this program is for WebAssembly; build it with go run ./cmd/nitroattest/web/build")
	os.Exit(2)
}
