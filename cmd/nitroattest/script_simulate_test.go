package main

import (
	"bytes"
	"encoding/pem"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// imageTime is when simulated documents are made.
var imageTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// cmdSimulateImage writes the document of a simulated enclave that boots an image
// file, and the root to trust. "debug" starts it in debug mode, "tpm" is an
// instance with NitroTPM instead:
//
//	simulate-image image.eif doc.cbor root.pem [debug|tpm]
func cmdSimulateImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: simulate-image image document root [debug|tpm]")
	}
	image := []byte(ts.ReadFile(args[0]))
	measured, err := eif.Measure(bytes.NewReader(image), int64(len(image)))
	ts.Check(err)
	options := []attestationtest.Option{
		attestationtest.WithSeed([]byte("script")),
		attestationtest.WithTime(imageTime),
	}
	switch {
	case len(args) > 3 && args[3] == "tpm":
		options = append(options, attestationtest.WithNitroTPM())
	case len(args) > 3 && args[3] == "debug":
		options = append(options, attestationtest.WithImage(measured.Measurements), attestationtest.WithDebugMode())
	default:
		options = append(options, attestationtest.WithImage(measured.Measurements))
	}
	h := attestationtest.NewHypervisor(options...)
	write(ts, args[1], h.Attest(attestationtest.Request{}))
	write(ts, args[2], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Root().Raw}))
}
