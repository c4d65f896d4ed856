// Command nitroattest-simulate-serve is the server of "nitroattest simulate
// serve", which finds it beside itself or on PATH and starts it. It is of no use
// by itself.
package main

import (
	"os"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate/server"
)

func main() { os.Exit(server.Main(os.Stdin, os.Stdout, os.Stderr)) }
