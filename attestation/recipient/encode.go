package recipient

import "slices"

// pieceSize is how many bytes of ciphertext AWS KMS puts into one OCTET STRING.
const pieceSize = 1000

// encode writes e in the form of the envelopes recorded from AWS KMS: the
// outer levels have indefinite lengths, the recipient and the algorithms
// definite ones, and the content comes in pieces.
func (e *envelope) encode() []byte {
	var pieces [][]byte
	for piece := range slices.Chunk(e.ciphertext, pieceSize) {
		pieces = append(pieces, element(tagOctetString, piece))
	}
	version := element(tagInteger, []byte{versionByKeyID})
	return openElement(tagSequence,
		object(oidEnvelopedData),
		openElement(tagExplicit0,
			openElement(tagSequence,
				version,
				element(tagSet,
					element(tagSequence,
						version,
						element(tagImplicit0, e.keyID),
						oaepAlgorithm(),
						element(tagOctetString, e.encryptedKey))),
				openElement(tagSequence,
					object(oidData),
					element(tagSequence, object(oidAES256CBC), element(tagOctetString, e.iv)),
					openElement(tagExplicit0, pieces...)))))
}

func oaepAlgorithm() []byte {
	hash := element(tagSequence, object(oidSHA256), element(tagNull))
	return element(tagSequence,
		object(oidRSAESOAEP),
		element(tagSequence,
			element(tagExplicit0, hash),
			element(tagExplicit1, element(tagSequence, object(oidMGF1), hash))))
}

func object(o oid) []byte { return element(tagOID, []byte(o)) }

// element writes an element whose length is definite and in the shortest form.
func element(tag byte, contents ...[]byte) []byte {
	joined := slices.Concat(contents...)
	header := []byte{tag}
	switch n := len(joined); {
	case n < 0x80:
		header = append(header, byte(n))
	case n < 0x100:
		header = append(header, 0x81, byte(n))
	default:
		// The longest definite element is a recipient with a 4096-bit key.
		header = append(header, 0x82, byte(n>>8), byte(n))
	}
	return append(header, joined...)
}

// openElement writes an element of indefinite length.
func openElement(tag byte, contents ...[]byte) []byte {
	return slices.Concat([]byte{tag, indefiniteLength}, slices.Concat(contents...), []byte{tagEndOfContents, 0})
}
