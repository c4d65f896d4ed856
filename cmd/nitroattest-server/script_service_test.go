package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// cmdFreeAddress sets a variable to an address on loopback that nothing listens
// on:
//
//	free-address ADDR
func cmdFreeAddress(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free-address VARIABLE")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer listener.Close()
	ts.Setenv(args[0], listener.Addr().String())
}

// cmdHTTP sends a request to a server that may not have started yet, a POST of
// a file if one is given, and writes the body of the answer:
//
//	http 201 http://$ADDR/v1/challenges answer.json request.json
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: http STATUS URL OUT [BODY]")
	}
	for {
		status, body, err := get(ts, args[1], args[3:])
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		write(ts, args[2], body)
		if strconv.Itoa(status) != args[0] {
			ts.Fatalf("found status %d, expected %s: %s", status, args[0], body)
		}
		return
	}
}

// cmdAwait repeats a request until the body of the answer matches a regular
// expression:
//
//	await http://$ADDR/readyz '"broken":{}'
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: await URL REGEXP [BODY]")
	}
	expected := regexp.MustCompile(args[1])
	for {
		_, body, err := get(ts, args[0], args[2:])
		if err == nil && expected.Match(body) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// get sends a POST if there is a file to send.
func get(ts *testscript.TestScript, url string, file []string) (int, []byte, error) {
	var response *http.Response
	var err error
	if len(file) == 0 {
		response, err = http.Get(url)
	} else {
		response, err = http.Post(url, "application/json", strings.NewReader(ts.ReadFile(file[0])))
	}
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	return response.StatusCode, body, nil
}

// challenged is the hypervisor of the scripts, the same in every one.
var challenged = attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("testscript")))

// cmdSimulateEnclave writes the root and the policy of a simulated hypervisor and a key
// that signs attestation results, or the request with which an enclave answers a
// challenge:
//
//	simulate-enclave root.pem policy.json ear.pem
//	simulate-enclave answer challenge.json request.json [module-id]
func cmdSimulateEnclave(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case !neg && len(args) == 3 && args[0] != "answer":
		write(ts, args[0], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: challenged.Root().Raw}))
		policy, err := json.Marshal(pcr.Policy{Images: []pcr.Image{challenged.Enclave().Image()}})
		ts.Check(err)
		write(ts, args[1], policy)
		key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		ts.Check(err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		ts.Check(err)
		write(ts, args[2], pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	case !neg && (len(args) == 3 || len(args) == 4) && args[0] == "answer":
		var answer struct {
			Challenge string `json:"challenge"`
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &answer))
		nonce, err := base64.RawURLEncoding.DecodeString(answer.Challenge)
		ts.Check(err)
		document := challenged.Blueprint(attestationtest.Request{Nonce: nonce})
		if len(args) == 4 {
			document.SetModuleID(args[3])
		}
		request, err := json.Marshal(map[string]string{"policy": "prod", "challenge": answer.Challenge, "ear": "accepted",
			"document": base64.StdEncoding.EncodeToString(document.Document())})
		ts.Check(err)
		write(ts, args[2], request)
	default:
		ts.Fatalf("usage: simulate-enclave ROOT POLICY KEY | simulate-enclave answer CHALLENGE OUT [MODULE]")
	}
}
