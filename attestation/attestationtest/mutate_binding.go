package attestationtest

import (
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

func bindingMutations() []Mutation {
	return slices.Concat(
		differing("user_data", TopicBinding, attestation.UserDataMismatch),
		differing("public_key", TopicBinding, attestation.PublicKeyMismatch),
		[]Mutation{
			{
				Name: "expected-user-data-empty-is-null", Topic: TopicBinding, Reason: attestation.UserDataMismatch,
				Comment: "user_data is null, where it has to be there and empty",
				Arrange: func(c *Case) { c.UserData = []byte{} },
				Apply:   func(b *Blueprint) { b.Set("user_data", []byte{cborNull}) },
			},
			{
				Name: "expected-public-key-empty-is-null", Topic: TopicBinding, Reason: attestation.PublicKeyMismatch,
				Comment: "public_key is null, where it has to be there and empty",
				Arrange: func(c *Case) { c.PublicKey = []byte{} },
				Apply:   func(b *Blueprint) { b.Set("public_key", []byte{cborNull}) },
			},
			{
				Name: "expected-user-data-empty-is-zero", Topic: TopicBinding, Reason: attestation.UserDataMismatch,
				Comment: "user_data is a zero byte, where it has to be empty",
				Arrange: func(c *Case) { c.UserData = []byte{} },
				Apply:   func(b *Blueprint) { b.Set("user_data", cborBytes([]byte{0})) },
			},
			{
				Name: "expected-user-data-in-public-key", Topic: TopicBinding, Reason: attestation.UserDataMismatch,
				Comment: "what is expected in user_data stands in public_key, of which nothing is expected",
				Arrange: func(c *Case) { c.PublicKey = nil },
				Apply: func(b *Blueprint) {
					b.Set("public_key", b.field("user_data").Value)
					b.Set("user_data", []byte{cborNull})
				},
			},
			{
				Name: "expected-public-key-in-user-data", Topic: TopicBinding, Reason: attestation.PublicKeyMismatch,
				Comment: "what is expected in public_key stands in user_data, of which nothing is expected",
				Arrange: func(c *Case) { c.UserData = nil },
				Apply: func(b *Blueprint) {
					b.Set("user_data", b.field("public_key").Value)
					b.Set("public_key", []byte{cborNull})
				},
			},
		})
}
