// The tests of a command see it as its users do, through its arguments, its
// output and its exit status. They are in package main only because nothing
// else can reach a main function.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nitroattest": main, "sign-for-key": signForKey, "nitroattest-sigstore": fakePlugin, serverName: simulateServer, "sign-message": signMessage})
}

func TestScripts(t *testing.T) {
	testdata, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	roots, err := filepath.Abs("../../certs/roots")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		// The recorded documents stand where a user in the root of the
		// repository finds them.
		Setup: func(env *testscript.Env) error {
			if err := os.Symlink(roots, filepath.Join(env.WorkDir, "roots")); err != nil {
				return err
			}
			return os.Symlink(testdata, filepath.Join(env.WorkDir, "testdata"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"keypair":        cmdKeyPair,
			"exits":          cmdExits,
			"objects":        cmdObjects,
			"value":          cmdValue,
			"encode":         cmdEncode,
			"flip":           cmdFlip,
			"zeros":          cmdZeros,
			"add-field":      cmdAddField,
			"leaf-pem":       cmdLeafPEM,
			"simulate":       cmdSimulate,
			"crl":            cmdCRL,
			"crl-pem":        cmdCRLPEM,
			"simulate-image": cmdSimulateImage,
			"decode-pem":     cmdDecodePEM,
			"join":           cmdJoin,
			"lines":          cmdLines,
			"fifo":           cmdFIFO,
			"without-date":   cmdWithoutDate,
		},
		Condition: func(name string) (bool, error) {
			if name == "fast" {
				return newFast != nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
