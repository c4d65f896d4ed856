package pcr

import "crypto/sha512"

// ForRole returns PCR3 of an enclave whose parent instance has the IAM role
// with the given ARN, "arn:aws:iam::123456789012:role/Webserver" for example.
// It is SHA-384 over 48 zero bytes and the ARN as ASCII text, without an inner
// hash (AWS Nitro Enclaves User Guide, "PCR3"). An instance without a role
// leaves PCR3 zero, which is not ForRole("").
func ForRole(arn string) Value { return Value{}.Extend([]byte(arn)) }

// ForInstance returns PCR4 of an enclave on the parent instance with the given
// ID, "i-1234567890abcdef0" for example, computed like [ForRole] (AWS Nitro
// Enclaves User Guide, "PCR4").
func ForInstance(id string) Value { return Value{}.Extend([]byte(id)) }

// ForCertificate returns PCR8 of an enclave whose image file was signed with
// the given certificate in DER: SHA-384 over 48 zero bytes and the SHA-384 of
// the DER (AWS Nitro Enclaves User Guide, "PCR8").
func ForCertificate(der []byte) Value {
	digest := sha512.Sum384(der)
	return Value{}.Extend(digest[:])
}
