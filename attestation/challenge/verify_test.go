package challenge_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/pcr"
)

var session = []byte("session 42")

func TestVerifyAcceptsADocumentOnce(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := newEnclave(t, clock.read)
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 10), Now: clock.read})
	nonce := issue(t, issuer, session)
	response := challenge.Response{Evidence: e.attest(nonce), Nonce: nonce, Context: session}

	result, err := issuer.Verify(t.Context(), e.verifier(), response, attestation.Expect{})
	require.NoError(t, err)
	assert.Equal(t, e.hypervisor.Enclave().Image(), result.Image)
	assert.Equal(t, []byte(nonce), result.Document.Nonce)

	result, err = issuer.Verify(t.Context(), e.verifier(), response, attestation.Expect{})
	requireReason(t, challenge.AlreadyRedeemed, err)
	assert.Nil(t, result)

	// A new document with the same nonce is no better.
	response.Evidence = e.attest(nonce)
	result, err = issuer.Verify(t.Context(), e.verifier(), response, attestation.Expect{})
	requireReason(t, challenge.AlreadyRedeemed, err)
	assert.Nil(t, result)
}

func TestVerifyTakesTheNonceOutOfTheDocument(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := newEnclave(t, clock.read)
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 10), Now: clock.read})
	evidence := e.attest(issue(t, issuer, session))
	verifier := e.verifier()
	parsed, err := verifier.Parse(evidence)
	require.NoError(t, err)
	verify := func(context []byte, expect attestation.Expect) (*attestation.Result, error) {
		return issuer.VerifyParsed(t.Context(), verifier, parsed, context, expect)
	}
	refused, err := verify([]byte("session 43"), attestation.Expect{})
	requireReason(t, challenge.Unknown, err)
	assert.Nil(t, refused)
	refused, err = verify(session, attestation.Expect{NoUserData: true, PublicKey: []byte("another")})
	require.ErrorIs(t, err, attestation.PublicKeyMismatch, "and the nonce is not used up")
	assert.Nil(t, refused)
	_, err = verify(session, attestation.Expect{Nonce: []byte("mine")})
	require.ErrorContains(t, err, "challenge: Expect.Nonce: set")
	result, err := verify(session, attestation.Expect{NoUserData: true, NoPublicKey: true})
	require.NoError(t, err)
	assert.True(t, result.Freshness.Nonce)
	refused, err = verify(session, attestation.Expect{})
	requireReason(t, challenge.AlreadyRedeemed, err)
	assert.Nil(t, refused)

	// A document without a nonce, and none at all.
	parsed, err = verifier.Parse(e.attest(nil))
	require.NoError(t, err)
	_, err = verify(session, attestation.Expect{})
	requireReason(t, challenge.Malformed, err)
	parsed = nil
	_, err = verify(session, attestation.Expect{})
	require.EqualError(t, err, "challenge: evidence: found none that a Verifier has parsed")
}

func TestOneOfManyVerificationsAtOnceIsAccepted(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := newEnclave(t, clock.read)
	verifier := e.verifier()
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 10), Now: clock.read})
	nonce := issue(t, issuer, nil)
	response := challenge.Response{Evidence: e.attest(nonce), Nonce: nonce}
	accepted := 0
	for _, err := range together(50, func(int) error {
		result, err := issuer.Verify(t.Context(), verifier, response, attestation.Expect{})
		assert.Equal(t, err == nil, result != nil)
		return err
	}) {
		if err == nil {
			accepted++
			continue
		}
		requireReason(t, challenge.AlreadyRedeemed, err)
	}
	assert.Equal(t, 1, accepted)
}

// Nobody uses up the nonce of somebody else by sending it with a bad document.
func TestADocumentThatIsRefusedLeavesTheNonce(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := newEnclave(t, clock.read)
	store := &scripted{first: true}
	issuer := newIssuer(t, challenge.Config{Keys: [][]byte{fixedKey()}, Store: store, Now: clock.read})
	nonce := issue(t, issuer, session)
	good := e.attest(nonce)
	tampered := bytes.Clone(good)
	tampered[len(tampered)-1] ^= 1

	for name, c := range map[string]struct {
		evidence []byte
		expect   attestation.Expect
		want     attestation.Reason
	}{
		"garbage":            {[]byte("garbage"), attestation.Expect{}, attestation.MalformedEvidence},
		"a bad signature":    {tampered, attestation.Expect{}, attestation.BadSignature},
		"another nonce":      {e.attest(issue(t, issuer, session)), attestation.Expect{}, attestation.NonceMismatch},
		"no nonce":           {e.attest(nil), attestation.Expect{}, attestation.NonceMismatch},
		"expected user data": {good, attestation.Expect{UserData: []byte("x")}, attestation.UserDataMismatch},
		"no freshness asked": {e.attest(nil), attestation.Expect{InsecureNoFreshness: true}, attestation.NonceMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := issuer.Verify(t.Context(), e.verifier(), challenge.Response{Evidence: c.evidence, Nonce: nonce, Context: session}, c.expect)
			require.ErrorIs(t, err, c.want)
			assert.Nil(t, result)
			assert.Empty(t, store.asked)
		})
	}
	_, err := issuer.Verify(t.Context(), e.verifier(), challenge.Response{Evidence: good, Nonce: nonce, Context: session}, attestation.Expect{})
	require.NoError(t, err)
	assert.Len(t, store.asked, 1)
}

// What is wrong with the nonce shows before the evidence is looked at.
func TestABadNonceComesBeforeTheDocument(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := newEnclave(t, clock.read)
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 10), Now: clock.read})
	nonce := issue(t, issuer, session)
	verify := func(nonce, context []byte, expect attestation.Expect) error {
		t.Helper()
		result, err := issuer.Verify(t.Context(), e.verifier(), challenge.Response{Evidence: []byte("garbage"), Nonce: nonce, Context: context}, expect)
		require.Error(t, err)
		assert.Nil(t, result)
		return err
	}
	requireReason(t, challenge.Malformed, verify(nil, session, attestation.Expect{}))
	requireReason(t, challenge.Unknown, verify(nonce, nil, attestation.Expect{}))
	requireReason(t, challenge.Unknown, verify(nonce, []byte("session 43"), attestation.Expect{}))
	require.EqualError(t, verify(nonce, []byte{}, attestation.Expect{}), "challenge: context: empty: it has at least one byte; nil means that there is none")
	require.EqualError(t, verify(nonce, session, attestation.Expect{Nonce: nonce}), "challenge: Expect.Nonce: set, expected nil: Verify sets it to Response.Nonce")
	require.ErrorContains(t, verify(nonce, session, attestation.Expect{MaxAge: -1}), "attestation: Expect.MaxAge")
	require.ErrorIs(t, verify(nonce, session, attestation.Expect{}), attestation.MalformedEvidence)
	clock.advance(challenge.DefaultLifetime)
	requireReason(t, challenge.Expired, verify(nonce, session, attestation.Expect{}))

	result, err := issuer.Verify(t.Context(), nil, challenge.Response{Nonce: nonce}, attestation.Expect{})
	require.EqualError(t, err, "challenge: verifier: nil")
	assert.Nil(t, result)
}

// The verification took so long that the nonce has expired at its end.
func TestTheClockIsReadAgainBeforeTheStore(t *testing.T) {
	t.Parallel()
	clock := newClock()
	slow := func() time.Time { // what the verifier calls
		clock.advance(challenge.DefaultLifetime)
		return clock.read()
	}
	e := newEnclave(t, clock.read)
	store := &scripted{first: true}
	issuer := newIssuer(t, challenge.Config{Keys: [][]byte{fixedKey()}, Store: store, Now: clock.read})
	nonce := issue(t, issuer, nil)
	response := challenge.Response{Evidence: e.attest(nonce), Nonce: nonce}
	e.now = slow
	result, err := issuer.Verify(t.Context(), e.verifier(), response, attestation.Expect{})
	requireReason(t, challenge.Expired, err)
	assert.Nil(t, result)
	assert.Empty(t, store.asked)
}

// What the exchange expects beside the nonce is carried through, by both ways to
// verify, and a document that is refused for it uses no nonce up.
func TestExpectIsCarriedThrough(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := newEnclave(t, clock.read)
	value, err := e.hypervisor.Enclave().NSM().ExtendPCR(16, []byte("the configuration"))
	require.NoError(t, err)
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 10), Now: clock.read})
	verifier := e.verifier()
	for name, parsed := range map[string]bool{"Verify": false, "VerifyParsed": true} {
		nonce := issue(t, issuer, session)
		evidence := e.attest(nonce)
		verify := func(expect attestation.Expect) error {
			if !parsed {
				_, err := issuer.Verify(t.Context(), verifier, challenge.Response{Evidence: evidence, Nonce: nonce, Context: session}, expect)
				return err
			}
			document, err := verifier.Parse(evidence)
			require.NoError(t, err)
			_, err = issuer.VerifyParsed(t.Context(), verifier, document, session, expect)
			return err
		}
		assert.ErrorIs(t, verify(attestation.Expect{PCRs: pcr.Bank{16: {1}}}), attestation.RegisterMismatch, name)
		assert.ErrorIs(t, verify(attestation.Expect{PCRs: pcr.Bank{17: {}}}), attestation.RegisterMismatch, name)
		assert.ErrorIs(t, verify(attestation.Expect{UserData: []byte("some")}), attestation.UserDataMismatch, name)
		assert.ErrorIs(t, verify(attestation.Expect{PublicKey: []byte("some")}), attestation.PublicKeyMismatch, name)
		assert.NoError(t, verify(attestation.Expect{PCRs: pcr.Bank{16: value}, NoUserData: true, NoPublicKey: true}), name)
	}
}

// The text begins with the reason, and nothing but the reason and a cause that
// there is is unwrapped.
func TestErrorUnwrapsToReasonAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []interface {
		error
		Unwrap() []error
	}{&challenge.Error{Reason: challenge.Unknown, Detail: "detail"}} {
		assert.Equal(t, []error{challenge.Unknown}, err.Unwrap())
		assert.True(t, strings.HasPrefix(err.Error(), string(challenge.Unknown)+": "), err.Error())
	}
	for _, err := range []interface{ Unwrap() []error }{&challenge.Error{Reason: challenge.Unknown, Err: cause}} {
		assert.Equal(t, []error{challenge.Unknown, cause}, err.Unwrap())
	}
}
