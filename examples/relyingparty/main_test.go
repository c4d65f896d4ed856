// The test of a command is in package main because nothing else can reach it.
package main

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestOnlyTheAttestedEnclaveGetsTheSecret(t *testing.T) {
	hypervisor := attestationtest.NewHypervisor()
	service, err := newService(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}}, Roots: hypervisor.Roots()})
	require.NoError(t, err)
	server := httptest.NewServer(service)
	defer server.Close()
	client := &enclave{nsm: hypervisor.Enclave().NSM(), service: server.URL}
	secret, err := client.fetch("/secret")
	require.NoError(t, err)
	assert.Equal(t, "a secret for "+hypervisor.Enclave().ModuleID()+"\n", secret)

	client.nsm = attestationtest.NewHypervisor().Enclave().NSM()
	_, err = client.fetch("/secret")
	assert.EqualError(t, err, "403 Forbidden: untrusted-root")
}

func TestWithoutAPolicyThereIsNoService(t *testing.T) {
	_, err := newService(attestation.Config{})
	assert.Error(t, err)
}
