package auction_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"net"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
	"github.com/nitroattest/nitroattest/examples/multiparty/auction"
)

// visitor is somebody who talks to the enclave without a bidder's code, but
// with a bidder's key.
type visitor struct {
	conn     net.Conn
	verified *attestation.Result
	served   <-chan error
}

func (w world) visit(t *testing.T, enclave *auction.Enclave) visitor {
	conn, inside := connect(t)
	served := make(chan error, 1)
	go func() {
		defer inside.Close()
		served <- enclave.Serve(inside)
	}()
	t.Cleanup(func() { _ = conn.Close() })
	nonce := []byte("of the visitor")
	require.NoError(t, stream.Send(conn, nonce))
	document, err := stream.Receive(conn)
	require.NoError(t, err)
	verified, err := w.bidders[0].Verifier.Verify(document, attestation.Expect{Nonce: nonce})
	require.NoError(t, err)
	return visitor{conn, verified, served}
}

// bid signs an envelope as a bidder does.
func (v visitor) bid(bidder auction.Bidder, envelope []byte) []byte {
	digest := sha256.Sum256(envelope)
	signature := ed25519.Sign(bidder.Key, slices.Concat([]byte("nitroattest/examples/multiparty bid v1"), v.verified.Document.UserData, digest[:]))
	return slices.Concat([]byte{byte(bidder.Place)}, signature, envelope)
}

// A bidder who works with the parent signs another's envelope as his own: with
// the same amount he would win, for he comes first in the terms.
func TestCopiedEnvelope(t *testing.T) {
	w := newWorld(t)
	enclave := w.start(t, w.terms())
	var refused error
	o := w.run(t, always(enclave), against(stream.Sealed, func(message []byte) []byte {
		thief := w.visit(t, enclave)
		require.NoError(t, stream.Send(thief.conn, thief.bid(w.bidders[0], message[1+ed25519.SignatureSize:])))
		refused = <-thief.served
		return message
	}))
	assert.ErrorContains(t, refused, "the envelope holds no bid of this bidder")
	assertNoResult(t, o)
}

// Envelopes of the right bidder with something else in them.
func TestEnvelopesThatHoldNoBid(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		plaintext []byte
		message   string
	}{
		"too short": {[]byte{victim, 0, 0, 0, 0, 0, 0, 0}, "no bid of this bidder"},
		"too long":  {[]byte{victim, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "no bid of this bidder"},
		"another's": {[]byte{2, 0, 0, 0, 0, 0, 0, 0, 0}, "no bid of this bidder"},
		"empty":     {nil, "no bid of this bidder"},
	} {
		t.Run(name, func(t *testing.T) {
			v := w.visit(t, w.start(t, w.terms()))
			envelope, err := recipient.SealHPKE(v.verified, test.plaintext)
			require.NoError(t, err)
			require.NoError(t, stream.Send(v.conn, v.bid(w.bidders[victim], envelope)))
			assert.ErrorContains(t, <-v.served, test.message)
		})
	}
	t.Run("sealed to another enclave", func(t *testing.T) {
		other := w.visit(t, w.start(t, w.terms()))
		envelope, err := recipient.SealHPKE(other.verified, make([]byte, 9))
		require.NoError(t, err)
		v := w.visit(t, w.start(t, w.terms()))
		require.NoError(t, stream.Send(v.conn, v.bid(w.bidders[0], envelope)))
		assert.ErrorIs(t, <-v.served, recipient.DecryptionFailed)
	})
}

// A bidder whose key somebody else has finds that another bid was counted.
func TestAnotherBidInItsPlace(t *testing.T) {
	w := newWorld(t)
	enclave := w.start(t, w.terms())
	o := w.run(t, always(enclave), against(stream.Sealed, func([]byte) []byte {
		v := w.visit(t, enclave)
		envelope, err := recipient.SealHPKE(v.verified, []byte{victim, 0, 0, 0, 0, 0, 0, 0, 1})
		require.NoError(t, err)
		return v.bid(w.bidders[victim], envelope)
	}))
	assert.NoError(t, o.enclave[victim])
	assert.ErrorContains(t, o.bidders[victim], "another bid was counted in the place of this one")
	assert.Zero(t, o.results[victim])
}

// When the auction is over, nobody can bid again, and a late visit cannot undo
// the result.
func TestAfterTheAuction(t *testing.T) {
	w := newWorld(t)
	enclave := w.start(t, w.terms())
	o := w.run(t, always(enclave), nil)
	require.NoError(t, o.bidders[victim])
	v := w.visit(t, enclave)
	envelope, err := recipient.SealHPKE(v.verified, []byte{victim, 0, 0, 0, 0, 0, 0, 0, 1})
	require.NoError(t, err)
	require.NoError(t, stream.Send(v.conn, v.bid(w.bidders[victim], envelope)))
	assert.ErrorContains(t, <-v.served, "the bidder has bid already")
}
