// The tests of a command see it as its users do, through its arguments, its
// output and its exit status. They are in package main only because nothing
// else can reach a main function.
package main

import (
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nitroattest-server": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":            cmdExits,
			"crl":              cmdCRL,
			"free-address":     cmdFreeAddress,
			"http":             cmdHTTP,
			"await":            cmdAwait,
			"simulate-enclave": cmdSimulateEnclave,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// cmdExits runs a command and asserts its exact status:
//
//	exits 2 nitroattest-server
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits status command [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("found exit status %d, expected %d", got, want)
	}
}

func write(ts *testscript.TestScript, name string, data []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o666))
}

// cmdCRL writes the revocation list of a level of the chain of
// cmdSimulateEnclave, in DER:
//
//	crl out.crl root until=2099-01-01T00:00:00Z [made=2020-01-01T00:00:00Z] [revoke=regional]
func cmdCRL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: crl out level until=time [made=time] [revoke=level]")
	}
	b := challenged.Blueprint(attestationtest.Request{})
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour)}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "revoke":
			serial := new(big.Int).SetBytes(b.Chain[levelOf(ts, value)].Serial)
			list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: list.ThisUpdate}}
		case "until", "made":
			at, err := time.Parse(time.RFC3339, value)
			ts.Check(err)
			if name == "made" {
				list.ThisUpdate = at
			} else {
				list.NextUpdate = at
			}
		default:
			ts.Fatalf("unknown argument %q", arg)
		}
	}
	der, err := b.Chain[levelOf(ts, args[1])].SignRevocationList(list)
	ts.Check(err)
	write(ts, args[0], der)
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
