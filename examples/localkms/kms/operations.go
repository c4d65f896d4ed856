package kms

import (
	"crypto/rand"

	"github.com/nitroattest/nitroattest/attestation"
)

const symmetric = "SYMMETRIC_DEFAULT"

// Limits of the API Reference.
const (
	maxPlaintext = 4096 // Encrypt
	maxRandom    = 1024 // GenerateDataKey and GenerateRandom
)

type encryptRequest struct {
	KeyID               string `json:"KeyId"`
	Plaintext           []byte
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
}

type encryptResponse struct {
	KeyID               string `json:"KeyId"`
	CiphertextBlob      []byte
	EncryptionAlgorithm string
}

func (encryptResponse) wipe() {}

func (s *Server) encrypt(caller Credential, r *encryptRequest) (encryptResponse, error) {
	defer clear(r.Plaintext)
	if err := checkAlgorithm(r.EncryptionAlgorithm); err != nil {
		return encryptResponse{}, err
	}
	if len(r.Plaintext) == 0 || len(r.Plaintext) > maxPlaintext {
		return encryptResponse{}, refuse(validation, "Plaintext: found %d bytes, expected 1 to %d", len(r.Plaintext), maxPlaintext)
	}
	key, err := s.authorize(caller, "kms:Encrypt", r.KeyID, nil)
	if err != nil {
		return encryptResponse{}, err
	}
	defer key.wipe()
	blob, err := key.encrypt(r.Plaintext, r.EncryptionContext)
	return encryptResponse{s.keyARN(key.id.String()), blob, symmetric}, err
}

type decryptRequest struct {
	KeyID               string `json:"KeyId"`
	CiphertextBlob      []byte
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
	Recipient           *recipientInfo
}

type decryptResponse struct {
	KeyID               string `json:"KeyId"`
	EncryptionAlgorithm string
	secret
}

func (s *Server) decrypt(caller Credential, r *decryptRequest) (decryptResponse, error) {
	if err := checkAlgorithm(r.EncryptionAlgorithm); err != nil {
		return decryptResponse{}, err
	}
	result, err := s.attest(r.Recipient)
	if err != nil {
		return decryptResponse{}, err
	}
	id, err := blobKeyID(r.CiphertextBlob)
	if err != nil {
		return decryptResponse{}, refuse(invalidCiphertext, "CiphertextBlob: %v", err)
	}
	if r.KeyID != "" {
		named, err := s.parseKeyID(r.KeyID)
		if err != nil {
			return decryptResponse{}, err
		}
		if named != id {
			return decryptResponse{}, refuse(incorrectKey, "the ciphertext was made with another key")
		}
	}
	key, err := s.authorize(caller, "kms:Decrypt", id.String(), result)
	if err != nil {
		return decryptResponse{}, err
	}
	defer key.wipe()
	plaintext, err := key.decrypt(r.CiphertextBlob, r.EncryptionContext)
	if err != nil {
		return decryptResponse{}, refuse(invalidCiphertext, "the ciphertext or its encryption context is not what was encrypted")
	}
	answer, err := s.answer(result, plaintext)
	return decryptResponse{s.keyARN(id.String()), symmetric, answer}, err
}

type dataKeyRequest struct {
	KeyID             string `json:"KeyId"`
	KeySpec           string
	NumberOfBytes     int
	EncryptionContext map[string]string
	Recipient         *recipientInfo
}

type dataKeyResponse struct {
	KeyID          string `json:"KeyId"`
	CiphertextBlob []byte
	secret
}

func (s *Server) generateDataKey(caller Credential, r *dataKeyRequest) (dataKeyResponse, error) {
	size, err := r.size()
	if err != nil {
		return dataKeyResponse{}, err
	}
	result, err := s.attest(r.Recipient)
	if err != nil {
		return dataKeyResponse{}, err
	}
	key, err := s.authorize(caller, "kms:GenerateDataKey", r.KeyID, result)
	if err != nil {
		return dataKeyResponse{}, err
	}
	defer key.wipe()
	dataKey := make([]byte, size)
	rand.Read(dataKey)
	blob, err := key.encrypt(dataKey, r.EncryptionContext)
	if err != nil {
		return dataKeyResponse{}, err
	}
	answer, err := s.answer(result, dataKey)
	return dataKeyResponse{s.keyARN(key.id.String()), blob, answer}, err
}

func (r *dataKeyRequest) size() (int, error) {
	switch {
	case r.KeySpec == "AES_256" && r.NumberOfBytes == 0:
		return 32, nil
	case r.KeySpec == "AES_128" && r.NumberOfBytes == 0:
		return 16, nil
	case r.KeySpec == "" && r.NumberOfBytes >= 1 && r.NumberOfBytes <= maxRandom:
		return r.NumberOfBytes, nil
	}
	return 0, refuse(validation, "expected either KeySpec AES_256 or AES_128, or NumberOfBytes from 1 to %d", maxRandom)
}

type randomRequest struct {
	NumberOfBytes int
	Recipient     *recipientInfo
}

func (s *Server) generateRandom(_ Credential, r *randomRequest) (secret, error) {
	if r.NumberOfBytes < 1 || r.NumberOfBytes > maxRandom {
		return secret{}, refuse(validation, "NumberOfBytes: found %d, expected 1 to %d", r.NumberOfBytes, maxRandom)
	}
	result, err := s.attest(r.Recipient)
	if err != nil {
		return secret{}, err
	}
	random := make([]byte, r.NumberOfBytes)
	rand.Read(random)
	return s.answer(result, random)
}

func checkAlgorithm(name string) error {
	if name != "" && name != symmetric {
		return refuse(validation, "found EncryptionAlgorithm %q, expected %s", name, symmetric)
	}
	return nil
}

// authorize returns the key if its policy allows the action. The caller wipes
// the key.
func (s *Server) authorize(caller Credential, action, name string, result *attestation.Result) (*Key, error) {
	id, err := s.parseKeyID(name)
	if err != nil {
		return nil, err
	}
	key, err := s.store.get(id)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, refuse(notFound, "there is no key %s", s.keyARN(id.String()))
	}
	policy, err := parsePolicy(key.policy)
	if err == nil && !policy.allows(request{action, caller.Principal, s.config.Account, registers(result)}) {
		err = refuse(accessDenied, "%s is not authorized to perform %s on %s: no statement of the key policy allows it, or one denies it",
			caller.Principal, action, s.keyARN(id.String()))
	}
	if err != nil {
		key.wipe()
		return nil, err
	}
	return key, nil
}
