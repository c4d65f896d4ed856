package kms

import "strings"

// createKeyRequest has what a symmetric key made here can be asked for.
// BypassPolicyLockoutSafetyCheck changes nothing: no policy can be changed.
type createKeyRequest struct {
	Description                    string
	KeySpec                        string
	KeyUsage                       string
	Origin                         string
	MultiRegion                    bool
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool
}

type createKeyResponse struct{ KeyMetadata keyMetadata }

func (createKeyResponse) wipe() {}

type keyMetadata struct {
	AWSAccountID         string `json:"AWSAccountId"`
	KeyID                string `json:"KeyId"`
	Arn                  string
	CreationDate         int64 // seconds
	Description          string
	Enabled              bool
	KeyManager           string
	KeySpec              string
	KeyState             string
	KeyUsage             string
	Origin               string
	MultiRegion          bool
	EncryptionAlgorithms []string
}

func (s *Server) createKey(_ Credential, r *createKeyRequest) (createKeyResponse, error) {
	for _, field := range []struct{ name, found, expected string }{
		{"KeySpec", r.KeySpec, symmetric},
		{"KeyUsage", r.KeyUsage, "ENCRYPT_DECRYPT"},
		{"Origin", r.Origin, "AWS_KMS"},
	} {
		if field.found != "" && field.found != field.expected {
			return createKeyResponse{}, refuse(validation, "found %s %q, expected %s", field.name, field.found, field.expected)
		}
	}
	if r.MultiRegion {
		return createKeyResponse{}, refuse(validation, "MultiRegion is not implemented here")
	}
	if r.Policy == "" {
		r.Policy = s.defaultPolicy()
	}
	if _, err := parsePolicy(r.Policy); err != nil {
		return createKeyResponse{}, err
	}
	key := newKey(r.Policy)
	defer key.wipe()
	if err := s.store.put(key); err != nil {
		return createKeyResponse{}, err
	}
	return createKeyResponse{keyMetadata{
		AWSAccountID: s.config.Account, KeyID: key.id.String(), Arn: s.keyARN(key.id.String()),
		CreationDate: s.config.Now().Unix(), Description: r.Description,
		Enabled: true, KeyState: "Enabled", KeyManager: "CUSTOMER", Origin: "AWS_KMS",
		KeySpec: symmetric, KeyUsage: "ENCRYPT_DECRYPT", EncryptionAlgorithms: []string{symmetric},
	}}, nil
}

// defaultPolicy is the one that AWS gives a key without a policy: everything for
// the account (AWS KMS Developer Guide, "Default key policy").
func (s *Server) defaultPolicy() string {
	return `{"Version": "2012-10-17", "Statement": [{"Sid": "Enable IAM User Permissions", "Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::` + s.config.Account + `:root"}, "Action": "kms:*", "Resource": "*"}]}`
}

func isAccount(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}
