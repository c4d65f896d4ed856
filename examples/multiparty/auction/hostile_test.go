package auction_test

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
	"github.com/nitroattest/nitroattest/examples/multiparty/auction"
	"github.com/nitroattest/nitroattest/pcr"
)

const victim = 1

// against is a parent that changes one message of the victim's exchange.
func against(at stream.Step, edit func([]byte) []byte) hostile {
	return func(place int, step stream.Step, message []byte) []byte {
		if place == victim && step == at {
			return edit(message)
		}
		return message
	}
}

func assertNoResult(t *testing.T, o *outcome) {
	t.Helper()
	for place := range o.results {
		assert.Error(t, o.bidders[place])
		assert.Zero(t, o.results[place])
	}
}

func TestHostileParentAndDocument(t *testing.T) {
	w := newWorld(t)
	old := w.run(t, always(w.start(t, w.terms())), nil).messages[victim]
	for name, test := range map[string]struct {
		edit   func([]byte) []byte
		reason attestation.Reason
	}{
		"changed":  {func(d []byte) []byte { return flip(d, len(d)-1) }, attestation.BadSignature},
		"replayed": {func([]byte) []byte { return old[stream.Document] }, attestation.NonceMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.run(t, always(w.start(t, w.terms())), against(stream.Document, test.edit))
			assert.ErrorIs(t, o.bidders[victim], test.reason)
			assert.NotContains(t, o.messages[victim], stream.Sealed)
			assertNoResult(t, o)
		})
	}
	t.Run("of another image", func(t *testing.T) {
		honest := w.start(t, w.terms())
		spy := startOn(t, w.hypervisor.Enclave().Instance().NewEnclave(attestationtest.WithImage(pcr.Bank{0: {1}})), w.terms())
		o := w.run(t, oneElsewhere(honest, spy), nil)
		assert.ErrorIs(t, o.bidders[victim], attestation.MeasurementMismatch)
		assert.NotContains(t, o.messages[victim], stream.Sealed)
	})
}

// oneElsewhere is a parent that has the victim bid at another enclave. It gives
// the honest one a connection that ends at once in the victim's place, so that
// the others need not wait for ever.
func oneElsewhere(honest, other *auction.Enclave) func(int) *auction.Enclave {
	return func(place int) *auction.Enclave {
		if place != victim {
			return honest
		}
		_ = honest.Serve(&bytes.Buffer{})
		return other
	}
}

// The image is the right one, but the parent has filled the other places.
func TestHostileParentAndTerms(t *testing.T) {
	w := newWorld(t)
	mine, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	terms := w.terms()
	terms.Bidders = slices.Clone(terms.Bidders)
	terms.Bidders[0] = mine
	o := w.run(t, oneElsewhere(w.start(t, w.terms()), w.start(t, terms)), nil)
	assert.ErrorContains(t, o.bidders[victim], "another auction")
	assert.NotContains(t, o.messages[victim], stream.Sealed)

	another := w.terms()
	another.Lot = "lot 8"
	o = w.run(t, oneElsewhere(w.start(t, w.terms()), w.start(t, another)), nil)
	assert.ErrorContains(t, o.bidders[victim], "another auction")
}

// An enclave of the right image that says nothing of terms.
func TestDocumentWithoutIdentity(t *testing.T) {
	w := newWorld(t)
	outside, inside := connect(t)
	go func() {
		defer inside.Close()
		nonce, _ := stream.Receive(inside)
		document, _ := w.hypervisor.Enclave().NSM().Attest(nil, nonce, nil)
		_ = stream.Send(inside, document)
	}()
	_, err := w.bidders[0].Bid(outside, 1)
	assert.ErrorContains(t, err, "found 0 bytes of user_data")
}

// Bidders who are split over two enclaves have no result from either.
func TestHostileParentAndTwoEnclaves(t *testing.T) {
	w := newWorld(t)
	first, second := w.start(t, w.terms()), w.start(t, w.terms())
	var sealed []byte
	o := w.run(t, func(place int) *auction.Enclave {
		if place == victim {
			return second
		}
		return first
	}, func(place int, step stream.Step, message []byte) []byte {
		switch {
		case step != stream.Sealed:
		case place == victim:
			sealed = message
			return nil // the second enclave is given up
		case place == 2:
			return nil // and so is the first
		}
		return message
	})
	assertNoResult(t, o)

	// What the victim sealed for the second is no bid in the first.
	third := w.start(t, w.terms())
	o = w.run(t, always(third), against(stream.Sealed, func([]byte) []byte { return sealed }))
	assert.ErrorContains(t, o.enclave[victim], "not signed by its bidder for this auction")
	assertNoResult(t, o)
}

func TestHostileParentAndBid(t *testing.T) {
	w := newWorld(t)
	old := w.run(t, always(w.start(t, w.terms())), nil).messages[victim]
	for name, test := range map[string]struct {
		edit    func([]byte) []byte
		message string
	}{
		"changed envelope":   {func(s []byte) []byte { return flip(s, len(s)-1) }, "not signed by its bidder"},
		"changed signature":  {func(s []byte) []byte { return flip(s, 1) }, "not signed by its bidder"},
		"in another's place": {func(s []byte) []byte { return append([]byte{2}, s[1:]...) }, "not signed by its bidder"},
		"in no place":        {func(s []byte) []byte { return append([]byte{3}, s[1:]...) }, "no bid"},
		"cut off":            {func(s []byte) []byte { return s[:64] }, "no bid"},
		"empty":              {func([]byte) []byte { return nil }, "no bid"},
		"replayed":           {func([]byte) []byte { return old[stream.Sealed] }, "not signed by its bidder"},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.run(t, always(w.start(t, w.terms())), against(stream.Sealed, test.edit))
			assert.ErrorContains(t, o.enclave[victim], test.message)
			assertNoResult(t, o)
		})
	}
}

// The parent sends one bidder's bid in two exchanges.
func TestBidSentTwice(t *testing.T) {
	w := newWorld(t)
	enclave := w.start(t, w.terms())
	once := make(chan []byte, 1)
	o := w.run(t, func(place int) *auction.Enclave {
		return enclave
	}, func(place int, step stream.Step, message []byte) []byte {
		if step == stream.Sealed && place != 2 {
			select {
			case first := <-once:
				return first
			default:
				once <- message
			}
		}
		return message
	})
	assertNoResult(t, o)
	assert.True(t, slices.ContainsFunc(o.enclave, func(err error) bool {
		return err != nil && err.Error() == "auction: the bidder has bid already"
	}), "%v", o.enclave)
}

func TestHostileParentAndResult(t *testing.T) {
	w := newWorld(t)
	old := w.run(t, always(w.start(t, w.terms())), nil).messages[victim]
	for name, test := range map[string]struct {
		edit    func([]byte) []byte
		message string
	}{
		"another winner":    {func(r []byte) []byte { return flip(r, 64) }, "not signed by the enclave"},
		"another price":     {func(r []byte) []byte { return flip(r, 72) }, "not signed by the enclave"},
		"another digest":    {func(r []byte) []byte { return flip(r, len(r)-1) }, "not signed by the enclave"},
		"another signature": {func(r []byte) []byte { return flip(r, 0) }, "not signed by the enclave"},
		"replayed":          {func([]byte) []byte { return old[stream.Answer] }, "not signed by the enclave"},
		"cut off":           {func(r []byte) []byte { return r[:len(r)-1] }, "no result"},
		"empty":             {func([]byte) []byte { return nil }, "no result"},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.run(t, always(w.start(t, w.terms())), against(stream.Answer, test.edit))
			assert.ErrorContains(t, o.bidders[victim], test.message)
			assert.Zero(t, o.results[victim])
			assert.NoError(t, o.bidders[0])
		})
	}
}
