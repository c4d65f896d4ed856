// Command nitroattest verifies AWS Nitro attestation documents, shows what is
// in them, and makes the reference values to compare them with.
//
//	nitroattest verify  --policy policy.json --nonce <hex> document.cbor
//	nitroattest report  --policy policy.json --recorded -o report.html document.cbor
//	nitroattest inspect document.cbor
//	nitroattest measure enclave.eif
//	nitroattest pcr     role arn:aws:iam::123456789012:role/Webserver
//	nitroattest policy  create --name v1.0.0 --eif enclave.eif -o policy.json
//	nitroattest policy  kms policy.json
//	nitroattest simulate attest --nonce <hex>
//
// The service is a program of its own, nitroattest-server.
//
// --help of each command lists its flags, and the README the forms of input.
// Exit status: 0 when every document was accepted; 1 when some document is not authentic; 2 when the
// command was misused or something could not be read; 3 when every document is
// authentic and some was refused by policy, freshness or binding.
package main

import (
	"os"
	"runtime/debug"
)

// collectorPercent suits a heap of a few megabytes: it saves collections, of
// which there would be dozens a second, for as many megabytes more.
const collectorPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}
