// Command nitroattest verifies AWS Nitro attestation documents and shows what
// is in them.
//
//	nitroattest verify  --policy policy.json --nonce <hex> document.cbor
//	nitroattest inspect document.cbor
//
// See the README for its flags and forms of input. Exit status: 0 when every
// document was accepted; 1 when some document is not authentic; 2 when the
// command was misused or something could not be read; 3 when every document is
// authentic and some was refused by policy, freshness or binding.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}
