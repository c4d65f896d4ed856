package main

import (
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// simulatedTime is when the document of cmdSimulate was made.
var simulatedTime = time.Date(2025, 4, 15, 2, 30, 0, 0, time.UTC)

// simulated returns the chain of a document whose keys follow from a seed, so
// that cmdCRL signs with those of cmdSimulate.
func simulated(seed string) *attestationtest.Blueprint {
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte(seed)), attestationtest.WithTime(simulatedTime))
	return h.Blueprint(attestationtest.Request{})
}

// cmdSimulate writes a document of 2025-04-15T02:30:00Z and the root that it
// leads to:
//
//	simulate seed doc.cbor root.pem
func cmdSimulate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: simulate seed document root")
	}
	b := simulated(args[0])
	write(ts, args[1], b.Document())
	write(ts, args[2], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Chain[attestationtest.LevelRoot].DER()}))
}

// cmdCRL writes the revocation list of a level of the chain, of an hour before
// the document and for a day, in DER:
//
//	crl seed out.crl root [revoke=regional] [until=2025-04-15T02:29:59Z]
func cmdCRL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: crl seed out level [revoke=level] [until=time]")
	}
	b := simulated(args[0])
	list := &x509.RevocationList{
		Number:     big.NewInt(1),
		ThisUpdate: simulatedTime.Add(-time.Hour),
		NextUpdate: simulatedTime.Add(23 * time.Hour),
	}
	for _, arg := range args[3:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "revoke":
			serial := new(big.Int).SetBytes(b.Chain[levelOf(ts, value)].Serial)
			list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: list.ThisUpdate}}
		case "until":
			until, err := time.Parse(time.RFC3339, value)
			ts.Check(err)
			list.NextUpdate = until
		default:
			ts.Fatalf("unknown argument %q", arg)
		}
	}
	der, err := b.Chain[levelOf(ts, args[2])].SignRevocationList(list)
	ts.Check(err)
	write(ts, args[1], der)
}

func levelOf(ts *testscript.TestScript, name string) attestationtest.Level {
	for level := attestationtest.LevelRoot; level <= attestationtest.LevelLeaf; level++ {
		if level.String() == name {
			return level
		}
	}
	ts.Fatalf("unknown level %q", name)
	return 0
}

// cmdCRLPEM writes lists in DER as one file of PEM:
//
//	crl-pem out.pem a.crl b.crl
func cmdCRLPEM(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: crl-pem out in...")
	}
	var out []byte
	for _, name := range args[1:] {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte(ts.ReadFile(name))})...)
	}
	write(ts, args[0], out)
}
