// Command nitroattest-server verifies AWS Nitro attestation documents for other
// programs, over HTTP. It hands out challenges, verifies the documents that
// answer them against named policies, and signs attestation results.
//
//	nitroattest-server --policies policies/
//
// GET /openapi.json describes what it answers, and --help its flags. Exit
// status: 0 after a stop that was asked for; 1 if that cut requests off, or if it
// could not go on, such as when a listener failed; 2 when a flag or a file kept it
// from starting.
//
//	nitroattest-server healthcheck --admin-listen unix:/run/nitroattest/admin
//
// asks a running service how it is, for containers that have no curl. Exit status:
// 0 if it is well, 1 if not.
package main

import (
	"os"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/command"
)

func main() {
	os.Exit(command.Run(os.Args[1:], os.Stdout, os.Stderr, verifyBundles))
}
