package auction_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
	"github.com/nitroattest/nitroattest/examples/multiparty/auction"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestHighestBidWins(t *testing.T) {
	for _, test := range []struct {
		amounts []uint64
		winner  int
	}{
		{amounts, 1},
		{[]uint64{3, 2, 1}, 0},
		{[]uint64{1, 2, 3}, 2},
		{[]uint64{1, 3, 3}, 1},
		{[]uint64{0, 0, 0}, 0},
		{[]uint64{0, 1<<64 - 1, 1 << 63}, 1},
	} {
		w := newWorld(t)
		w.amounts = test.amounts
		o := w.run(t, always(w.start(t, w.terms())), nil)
		for place := range w.bidders {
			require.NoError(t, o.bidders[place])
			require.NoError(t, o.enclave[place])
			assert.Equal(t, auction.Result{Winner: test.winner, Price: test.amounts[test.winner]}, o.results[place])
		}
	}
}

// Of what the parent sees, only the result has anything of a bid in it.
func TestOnlyTheResultLeaves(t *testing.T) {
	w := newWorld(t)
	o := w.run(t, always(w.start(t, w.terms())), nil)
	wire := o.wire.String()
	assert.Greater(t, len(wire), 3*4000, "the documents alone are longer")
	for place, amount := range amounts {
		binaryForm := string(binary.BigEndian.AppendUint64(nil, amount))
		if place == 1 {
			assert.Contains(t, wire, binaryForm, "the price is public")
			continue
		}
		assert.NotContains(t, wire, binaryForm)
		assert.NotContains(t, wire, string(binary.LittleEndian.AppendUint64(nil, amount)))
		assert.NotContains(t, wire, strconv.FormatUint(amount, 10))
	}
	for place := range amounts {
		assert.Len(t, o.messages[place][stream.Sealed], len(o.messages[0][stream.Sealed]), "lengths tell nothing")
		assert.Equal(t, o.messages[0][stream.Answer], o.messages[place][stream.Answer])
	}
}

// Each bidder gives out a nonce of its own.
func TestNoncesDiffer(t *testing.T) {
	w := newWorld(t)
	o := w.run(t, always(w.start(t, w.terms())), nil)
	var nonces []string
	for place := range w.bidders {
		nonces = append(nonces, string(o.messages[place][stream.Nonce]))
		assert.Len(t, nonces[place], 32)
	}
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(nonces))), 3)
}

// One bidder expects another image than the one that runs.
func TestPolicyThatDoesNotMatch(t *testing.T) {
	w := newWorld(t)
	w.bidders[2].Verifier = w.verifier(t, pcr.Image{Name: "v2", PCRs: pcr.Bank{0: {2}}})
	o := w.run(t, always(w.start(t, w.terms())), nil)
	assert.ErrorIs(t, o.bidders[2], attestation.MeasurementMismatch)
	assert.NotContains(t, o.messages[2], stream.Sealed, "it sent nothing but its nonce")
	assert.ErrorContains(t, o.enclave[2], "no bid")
	for _, place := range []int{0, 1} {
		assert.ErrorContains(t, o.bidders[place], "no result")
		assert.ErrorContains(t, o.enclave[place], "another bidder's exchange failed")
		assert.Zero(t, o.results[place])
	}
}

func TestBiddersThatCannotBid(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		message string
		edit    func(*auction.Bidder)
	}{
		"another's place": {"not the one of the bidder's place", func(b *auction.Bidder) { b.Place = 1 }},
		"no place":        {"not the one of the bidder's place", func(b *auction.Bidder) { b.Place = 3 }},
		"below":           {"not the one of the bidder's place", func(b *auction.Bidder) { b.Place = -1 }},
		"no key":          {"not the one of the bidder's place", func(b *auction.Bidder) { b.Key = nil }},
		"alone":           {"found 1 bidders", func(b *auction.Bidder) { b.Terms.Bidders = b.Terms.Bidders[:1] }},
		"half a key": {"key of bidder 1", func(b *auction.Bidder) {
			b.Terms.Bidders = []ed25519.PublicKey{b.Terms.Bidders[0], b.Terms.Bidders[1][:16]}
		}},
		"the same key twice": {"key of bidder 1", func(b *auction.Bidder) {
			b.Terms.Bidders = []ed25519.PublicKey{b.Terms.Bidders[0], b.Terms.Bidders[0]}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bidder := w.bidders[0]
			test.edit(&bidder)
			_, err := bidder.Bid(nil, 1)
			assert.ErrorContains(t, err, test.message)
		})
	}
	_, err := auction.NewEnclave(w.hypervisor.Enclave().NSM(), auction.Terms{Lot: "for nobody"})
	assert.ErrorContains(t, err, "found 0 bidders")
}
