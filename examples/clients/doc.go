// Package clients has clients of nitroattest-server in other languages, and the
// test that runs them. Each is a relying party at its smallest: it gets a
// challenge, asks an enclave for a document with it, has the server verify the
// document, and acts on the verdict.
package clients

//go:generate sh -c "go run ./typings ../../cmd/nitroattest-server/internal/service/openapi.json ChallengeResponse VerifyRequest BriefVerdict >node/api.d.ts"
