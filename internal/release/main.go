// Command release writes the modules of this repository as a module proxy serves
// them, so that what a tag will publish can be tried before there is a tag.
//
//	go run ./internal/release -version v0.1.0 DIR
//
// DIR can then be used as GOPROXY=file://DIR. Each module is what the go command
// would make of the files that Git knows or would take in, with the licence of
// the repository in every module.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	version := flag.String("version", "v0.1.0", "`VERSION` of every module")
	repository := flag.String("repository", ".", "`DIR` with the repository")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "release: found no directory to write to, expected one")
		os.Exit(2)
	}
	modules, err := write(*repository, flag.Arg(0), *version)
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	for _, m := range modules {
		fmt.Printf("%s@%s %d files\n", m.path, *version, len(m.files))
	}
}
