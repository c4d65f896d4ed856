package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
)

// fetcher stands for the network, of which package crlfetch has the tests.
type fetcher struct {
	asked int
	give  func() error
}

func (f *fetcher) Update(_ context.Context, chain certs.Chain, _ time.Time) error {
	f.asked++
	if len(chain.Leaf) == 0 || len(chain.Bundle) == 0 {
		return errors.New("no chain")
	}
	return f.give()
}

func TestListsThatAreLackingAreFetched(t *testing.T) {
	l := &listKit{made: time.Now().Add(-time.Hour)}
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.RefuseUnknown})
	require.NoError(t, err)
	f := &fetcher{give: func() error { return errors.New("the network is down") }}
	newKit(t, func(k *kit) {
		l.kit = k
		k.config.Lists = f
		k.write(t, "prod.json", policyJSON(t, k.hypervisor.Enclave().Image()))
		k.config.Policies = k.load(t, attestation.Config{Revocations: revocations})
	})

	verdict := l.verify(t, l.good(t))
	assert.Equal(t, "certificate-revoked", verdict["reason"])
	assert.Equal(t, "not-redeemed", verdict["challenge"])
	assert.Contains(t, l.log.String(), `"msg":"revocation list cannot be fetched","error":"the network is down"`)
	assert.Equal(t, 1, f.asked)

	f.give = func() error { return revocations.SetCRLs(l.list(t, root, 1), l.list(t, regional, 1)) }
	assert.Equal(t, true, l.verify(t, l.good(t))["accepted"])
	assert.Equal(t, true, l.verify(t, l.good(t))["accepted"])
	assert.Equal(t, 2, f.asked)

	// One that is revoked is refused without a question.
	require.NoError(t, revocations.SetCRLs(l.list(t, root, 2), l.list(t, regional, 2, zonal)))
	assert.Equal(t, "certificate-revoked", l.verify(t, l.good(t))["reason"])
	assert.Equal(t, 2, f.asked)
}
