package recipient

// Fields returns what an envelope says: the recipient's identifier, the
// encrypted content key, the initialization vector and the ciphertext.
func Fields(data []byte) (keyID, encryptedKey, iv, ciphertext []byte, err error) {
	e, err := parseEnvelope(data)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	return e.keyID, e.encryptedKey, e.iv, e.ciphertext, nil
}
