package release_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/keyrelease/release"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
	"github.com/nitroattest/nitroattest/pcr"
)

const (
	secret = "the secret of the owner"
	result = "renwo eht fo terces eht"
)

// hostile is what a parent does to one message.
type hostile func(step stream.Step, message []byte) []byte

// outcome is how an exchange went, and what the parent saw of it.
type outcome struct {
	result   []byte
	owner    error
	enclave  error
	messages map[stream.Step][]byte
	wire     []byte // every byte that went through the parent
}

type world struct {
	hypervisor *attestationtest.Hypervisor
	enclave    *attestationtest.Enclave
	owner      release.Owner
}

func newWorld(t *testing.T) world {
	hypervisor := attestationtest.NewHypervisor()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}},
		Roots:  hypervisor.Roots(),
	})
	require.NoError(t, err)
	return world{hypervisor, hypervisor.Enclave(), release.Owner{Verifier: verifier}}
}

// run has the owner release the secret to an enclave, through a parent.
func (w world) run(t *testing.T, enclave *attestationtest.Enclave, parent hostile) outcome {
	o := outcome{messages: map[stream.Step][]byte{}}
	outside, toOwner := connect(t)
	inside, toEnclave := connect(t)
	var wire recorder
	var parties sync.WaitGroup
	parties.Go(func() {
		defer inside.Close()
		o.enclave = release.Enclave{Module: enclave.NSM(), Work: reverse}.Serve(inside)
	})
	parties.Go(func() {
		_ = stream.Relay(recorded{toOwner, &wire}, recorded{toEnclave, &wire}, func(step stream.Step, message []byte) []byte {
			o.messages[step] = bytes.Clone(message)
			if parent != nil {
				message = parent(step, message)
			}
			return message
		})
	})
	o.result, o.owner = w.owner.Release(outside, []byte(secret))
	_ = outside.Close()
	parties.Wait()
	o.wire = wire.Bytes()
	return o
}

func TestHonestParent(t *testing.T) {
	w := newWorld(t)
	o := w.run(t, w.enclave, nil)
	require.NoError(t, o.owner)
	require.NoError(t, o.enclave)
	assert.Equal(t, result, string(o.result))
	assert.Greater(t, len(o.wire), 4000, "the document alone is longer")
	assert.NotContains(t, string(o.wire), secret)
	assert.NotContains(t, string(o.wire), result)
	assert.Contains(t, string(o.wire), string(o.messages[stream.Document]), "the recorder records")
}

// Whatever the parent does to the document, the owner notices before it has sent
// anything but the nonce.
func TestHostileParentAndDocument(t *testing.T) {
	w := newWorld(t)
	instance := w.enclave.Instance()
	old := w.run(t, w.enclave, nil).messages
	attest := func(e *attestationtest.Enclave, nonce, public []byte) []byte {
		document, err := e.NSM().Attest(nil, nonce, public)
		require.NoError(t, err)
		return document
	}
	stranger := attestationtest.NewHypervisor().Enclave().Instance().NewEnclave(attestationtest.WithImage(w.enclave.Image().PCRs))
	otherImage := instance.NewEnclave(attestationtest.WithImage(pcr.Bank{0: {1}}))
	debug := instance.NewEnclave(attestationtest.WithDebugMode())
	parents := parentKey(t)

	var nonce []byte
	for _, test := range []struct {
		name   string
		forge  func(document []byte) []byte
		reason attestation.Reason
	}{
		{"changed", func(d []byte) []byte { return flip(d, len(d)-1) }, attestation.BadSignature},
		{"key changed", func(d []byte) []byte { return bytes.Replace(d, keyIn(t, d), parents, 1) }, attestation.BadSignature},
		{"replayed", func([]byte) []byte { return old[stream.Document] }, attestation.NonceMismatch},
		{"of another image", func([]byte) []byte { return attest(otherImage, nonce, parents) }, attestation.MeasurementMismatch},
		{"of another hypervisor", func([]byte) []byte { return attest(stranger, nonce, parents) }, attestation.UntrustedRoot},
		{"in debug mode", func([]byte) []byte { return attest(debug, nonce, parents) }, attestation.DebugMode},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := w.run(t, w.enclave, func(step stream.Step, message []byte) []byte {
				switch step {
				case stream.Nonce:
					nonce = message
				case stream.Document:
					return test.forge(message)
				}
				return message
			})
			assert.ErrorIs(t, o.owner, test.reason)
			assert.Nil(t, o.result)
			assert.NotContains(t, o.messages, stream.Sealed, "nothing was sealed")
			assert.Error(t, o.enclave)
		})
	}
}

// The enclave opens what was sealed to it in this exchange, and nothing else.
func TestHostileParentAndEnvelope(t *testing.T) {
	w := newWorld(t)
	old := w.run(t, w.enclave, nil).messages
	for name, envelope := range map[string]func([]byte) []byte{
		"changed":  func(e []byte) []byte { return flip(e, len(e)-20) },
		"replayed": func([]byte) []byte { return old[stream.Sealed] },
	} {
		t.Run(name, func(t *testing.T) {
			o := w.run(t, w.enclave, at(stream.Sealed, envelope))
			assert.ErrorIs(t, o.enclave, recipient.DecryptionFailed)
			assert.ErrorContains(t, o.owner, "no result")
			assert.Nil(t, o.result)
		})
	}
}

// The parent has the owner's envelope opened by a second enclave of the same
// image, which was not the one attested.
func TestHostileParentAndTwoEnclaves(t *testing.T) {
	w := newWorld(t)
	var sealed []byte
	w.run(t, w.enclave, at(stream.Sealed, func(e []byte) []byte { sealed = e; return nil }))
	require.NotEmpty(t, sealed)
	second := w.enclave.Instance().NewEnclave(attestationtest.WithImage(w.enclave.Image().PCRs))
	o := w.run(t, second, at(stream.Sealed, func([]byte) []byte { return sealed }))
	assert.ErrorIs(t, o.enclave, recipient.DecryptionFailed)
}

// Anyone can seal to the enclave's public key. The parent does, and the enclave
// answers, but not to the owner.
func TestHostileParentSealsItself(t *testing.T) {
	w := newWorld(t)
	for name, plaintext := range map[string][]byte{
		"a secret":           append(make([]byte, 32), "of the parent"...),
		"less than it takes": make([]byte, 31),
	} {
		t.Run(name, func(t *testing.T) {
			var document []byte
			o := w.run(t, w.enclave, func(step stream.Step, message []byte) []byte {
				switch step {
				case stream.Document:
					document = message
				case stream.Sealed:
					verifier, err := attestation.NewVerifier(attestation.Config{InsecureAnyImage: true, Roots: w.hypervisor.Roots()})
					require.NoError(t, err)
					verified, err := verifier.Verify(document, attestation.Expect{InsecureNoFreshness: true})
					require.NoError(t, err)
					envelope, err := recipient.Sealer{InsecureAllowAnyImage: true, InsecureAllowNoFreshness: true}.SealHPKE(verified, plaintext)
					require.NoError(t, err)
					return envelope
				}
				return message
			})
			assert.Nil(t, o.result)
			if len(plaintext) < 32 {
				assert.ErrorContains(t, o.enclave, "no key for the result")
				assert.ErrorContains(t, o.owner, "no result")
				return
			}
			assert.NoError(t, o.enclave)
			assert.ErrorContains(t, o.owner, "not the enclave's for this secret and this exchange")
		})
	}
}

func TestHostileParentAndAnswer(t *testing.T) {
	w := newWorld(t)
	old := w.run(t, w.enclave, nil).messages
	for name, answer := range map[string]func([]byte) []byte{
		"changed":  func(a []byte) []byte { return flip(a, 14) },
		"replayed": func([]byte) []byte { return old[stream.Answer] },
		"empty":    func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			o := w.run(t, w.enclave, at(stream.Answer, answer))
			assert.ErrorContains(t, o.owner, "not the enclave's for this secret and this exchange")
			assert.Nil(t, o.result)
		})
	}
}

func TestWorkThatFails(t *testing.T) {
	w := newWorld(t)
	outside, inside := connect(t)
	failed := make(chan error, 1)
	go func() {
		defer inside.Close()
		failed <- release.Enclave{Module: w.enclave.NSM(), Work: func([]byte) ([]byte, error) { return nil, assert.AnError }}.Serve(inside)
	}()
	_, err := w.owner.Release(outside, []byte(secret))
	assert.ErrorContains(t, err, "no result")
	assert.ErrorIs(t, <-failed, assert.AnError)
}

func reverse(secret []byte) ([]byte, error) {
	reversed := make([]byte, len(secret))
	for i, b := range secret {
		reversed[len(secret)-1-i] = b
	}
	return reversed, nil
}

func at(at stream.Step, edit func([]byte) []byte) hostile {
	return func(step stream.Step, message []byte) []byte {
		if step == at {
			return edit(message)
		}
		return message
	}
}

func flip(message []byte, at int) []byte {
	changed := bytes.Clone(message)
	changed[at] ^= 1
	return changed
}

func parentKey(t *testing.T) []byte {
	key, err := ecdh.P384().GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key.PublicKey().Bytes()
}

func keyIn(t *testing.T, document []byte) []byte {
	unverified, err := attestation.ParseUnverified(document)
	require.NoError(t, err)
	return unverified.Document.PublicKey
}

// recorder keeps what the parent read, from either side.
type recorder struct {
	mu sync.Mutex
	bytes.Buffer
}

type recorded struct {
	net.Conn
	recorder *recorder
}

func (r recorded) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	r.recorder.Write(p[:n])
	return n, err
}

// connect returns the two ends of a connection.
func connect(t *testing.T) (dialled, accepted net.Conn) {
	listener, err := stream.Listen()
	require.NoError(t, err)
	defer listener.Close()
	dialled, err = stream.Dial(listener.Addr())
	require.NoError(t, err)
	accepted, err = listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = dialled.Close(), accepted.Close() })
	return dialled, accepted
}
