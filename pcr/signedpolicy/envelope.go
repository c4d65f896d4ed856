package signedpolicy

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// PayloadType is the DSSE payload type of an in-toto statement.
const PayloadType = "application/vnd.in-toto+json"

// Bounds of what is read.
const (
	MaxEnvelope   = 4 << 20 // bytes of an envelope
	MaxSignatures = 32      // signatures of one envelope, and keys of one Config
	MaxImages     = 1000    // images of one policy
	MaxChecks     = 128     // signatures computed for one envelope, which may try several keys for each of its own
)

// signature is one signature of an envelope.
type signature struct {
	keyID string // what the envelope claims; it is not signed
	sig   []byte
}

// envelope is a DSSE envelope whose signatures were not looked at.
type envelope struct {
	payloadType string
	payload     []byte
	signatures  []signature
}

// PAE returns the pre-authentication encoding of DSSE, over which signatures
// are made: "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload.
func PAE(payloadType string, payload []byte) []byte {
	return append(fmt.Appendf(make([]byte, 0, len(payload)+len(payloadType)+40),
		"DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}

func parseEnvelope(data []byte) (*envelope, error) {
	if len(data) > MaxEnvelope {
		return nil, &Error{MalformedEnvelope, fmt.Sprintf("found more than %d bytes, expected at most that", MaxEnvelope), nil}
	}
	e, err := readEnvelope(data)
	if err != nil {
		return nil, &Error{MalformedEnvelope, "", err}
	}
	if e.payloadType != PayloadType {
		return nil, &Error{WrongPayloadType, fmt.Sprintf("payloadType: found %s, expected %q", quoteShort(e.payloadType), PayloadType), nil}
	}
	return e, nil
}

func readEnvelope(data []byte) (*envelope, error) {
	v, err := parseJSON(data)
	if err != nil {
		return nil, err
	}
	var e envelope
	err = v.object(
		field{name: "payloadType", read: readText(&e.payloadType)},
		field{name: "payload", read: readBase64(&e.payload)},
		field{name: "signatures", read: func(v value) error {
			return v.elements(MaxSignatures, func(v value) error {
				var s signature
				err := v.object(
					field{name: "keyid", optional: true, read: readText(&s.keyID)},
					field{name: "sig", read: readBase64(&s.sig)},
				)
				e.signatures = append(e.signatures, s)
				return err
			})
		}},
	)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

func readText(to *string) func(value) error {
	return func(v value) (err error) {
		*to, err = v.text()
		return err
	}
}

// readBase64 takes both alphabets of RFC 4648, as the DSSE specification asks
// of every reader, with padding and one spelling for each value.
func readBase64(to *[]byte) func(value) error {
	return func(v value) error {
		text, err := v.text()
		if err != nil {
			return err
		}
		encoding := base64.StdEncoding
		if strings.ContainsAny(text, "-_") {
			encoding = base64.URLEncoding
		}
		if strings.ContainsAny(text, "\r\n") { // the decoder would skip them
			return v.errorf("found a line end, expected base64")
		}
		if *to, err = encoding.Strict().DecodeString(text); err != nil {
			return v.errorf("found %s, expected base64", quoteShort(text))
		}
		return nil
	}
}

// marshal writes the envelope on one line, which ends with a line feed.
func (e *envelope) marshal() ([]byte, error) {
	type sigJSON struct {
		KeyID string `json:"keyid"`
		Sig   []byte `json:"sig"`
	}
	out := struct {
		PayloadType string    `json:"payloadType"`
		Payload     []byte    `json:"payload"`
		Signatures  []sigJSON `json:"signatures"`
	}{e.payloadType, e.payload, []sigJSON{}}
	for _, s := range e.signatures {
		out.Signatures = append(out.Signatures, sigJSON{s.keyID, s.sig})
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	if len(data)+1 > MaxEnvelope {
		return nil, &Error{MalformedEnvelope, fmt.Sprintf("the envelope would have %d bytes, expected at most %d", len(data)+1, MaxEnvelope), nil}
	}
	return append(data, '\n'), nil
}

// addSignatures signs with each signer. A key signs once.
func (e *envelope) addSignatures(signers []crypto.Signer) error {
	if len(signers) == 0 {
		return fmt.Errorf("signedpolicy: found no signer, expected at least one")
	}
	if found := len(e.signatures) + len(signers); found > MaxSignatures {
		return fmt.Errorf("signedpolicy: found %d signatures, expected at most %d", found, MaxSignatures)
	}
	message := PAE(e.payloadType, e.payload)
	for i, signer := range signers {
		if signer == nil {
			return fmt.Errorf("signedpolicy: signer %d is nil", i+1)
		}
		key, err := newPublicKey(signer.Public())
		if err != nil {
			return fmt.Errorf("signedpolicy: signer %d: %w", i+1, err)
		}
		for _, earlier := range e.signatures {
			if key.couldBe(earlier.sig) && key.verify(message, earlier.sig) {
				return fmt.Errorf("signedpolicy: signer %d: key %s has signed already, and one key counts once", i+1, key.id)
			}
		}
		s, err := sign(key, signer, message)
		if err != nil {
			return fmt.Errorf("signedpolicy: signer %d: %w", i+1, err)
		}
		e.signatures = append(e.signatures, s)
	}
	return nil
}

// quoteShort quotes text that came from outside, and cuts it.
func quoteShort(text string) string {
	if len(text) > 80 {
		return strconv.QuoteToASCII(text[:80]) + "..."
	}
	return strconv.QuoteToASCII(text)
}
