package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/relyingparty/attested"
)

// nsm is the Nitro Security Module: in an enclave /dev/nsm, here a simulated one.
type nsm interface {
	Attest(userData, nonce, publicKey []byte) ([]byte, error)
}

// enclave is the client side, as it runs inside an enclave.
type enclave struct {
	nsm     nsm
	service string // URL
}

// fetch opens a session and gets a path with it.
func (e *enclave) fetch(path string) (string, error) {
	key, err := e.session()
	if err != nil {
		return "", err
	}
	request, err := http.NewRequest(http.MethodGet, e.service+path, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	body, err := do(request)
	return string(body), err
}

// session attests and returns the session key, which only this enclave can open.
func (e *enclave) session() (string, error) {
	var challenge attested.Challenge
	if err := e.post("/challenge", struct{}{}, &challenge); err != nil {
		return "", err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	document, err := e.nsm.Attest(nil, challenge.Nonce, public)
	if err != nil {
		return "", err
	}
	var session attested.Session
	if err := e.post("/session", attested.Evidence{Document: document}, &session); err != nil {
		return "", err
	}
	opened, err := recipient.Open(session.Key, key)
	return string(opened), err
}

func (e *enclave) post(path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, e.service+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	answer, err := do(request)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

func do(request *http.Request) ([]byte, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	return body, err
}
