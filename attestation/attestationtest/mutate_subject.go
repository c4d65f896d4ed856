package attestationtest

import (
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
)

// subject changes the leaf's name, whose common name is
// <module_id>.<region>.aws.
func subject(name, comment string, f func(b *Blueprint) []byte) Mutation {
	return Mutation{
		Name: "leaf-name-" + name, Topic: TopicLeafName, Reason: attestation.InvalidChain, Comment: comment,
		Apply: func(b *Blueprint) { b.Certificate.Subject = f(b) },
	}
}

// commonName is subject with the names in it otherwise as they were.
func commonName(name, comment string, f func(module, region string) string) Mutation {
	return subject(name, comment, func(b *Blueprint) []byte { return instanceName(f(b.module, b.region)) })
}

func subjectMutations() []Mutation {
	other := func(module string) string { return module[:len(module)-1] + flippedDigit(module) }
	return []Mutation{
		{
			Name: "module-id-changed", Topic: TopicLeafName, Reason: attestation.InvalidChain,
			Comment: "module_id names another enclave on the instance; the leaf does not",
			Apply:   func(b *Blueprint) { b.Set("module_id", cborText(other(b.module))) },
		},
		{
			Name: "module-id-prefix-of-leaf", Topic: TopicLeafName, Reason: attestation.InvalidChain,
			Comment: "the leaf is that of a module whose ID goes on after the one that the document claims",
			Apply:   func(b *Blueprint) { b.Certificate.Subject = instanceName(b.module + "0." + b.region + ".aws") },
		},
		commonName("other-enclave", "the leaf is that of another enclave on the instance", func(module, region string) string {
			return other(module) + "." + region + ".aws"
		}),
		commonName("other-instance", "the leaf is that of an enclave of the same ID on another instance", func(module, region string) string {
			return "i-0123456789abcdef0" + module[strings.LastIndexByte(module, '-'):] + "." + region + ".aws"
		}),
		commonName("module-only", "the common name is the module ID alone", func(module, _ string) string { return module }),
		commonName("no-region", "the common name has no region", func(module, _ string) string { return module + ".aws" }),
		commonName("empty-region", "the region in the common name is empty", func(module, _ string) string { return module + "..aws" }),
		commonName("no-suffix", "the common name does not end in .aws", func(module, region string) string { return module + "." + region }),
		commonName("other-suffix", "the common name ends in .example", func(module, region string) string { return module + "." + region + ".example" }),
		commonName("instance-suffix", "the common name ends as that of an instance", func(module, region string) string {
			return module + "." + region + ".aws.nitro-enclaves"
		}),
		commonName("prefix", "something stands before the module ID", func(module, region string) string {
			return "x" + module + "." + region + ".aws"
		}),
		commonName("upper-case", "the module ID is in upper case", func(module, region string) string {
			return strings.ToUpper(module) + "." + region + ".aws"
		}),
		commonName("extra-label", "a label stands between module ID and region", func(module, region string) string {
			return module + ".example." + region + ".aws"
		}),
		commonName("trailing-dot", "a dot ends the common name", func(module, region string) string { return module + "." + region + ".aws." }),
		commonName("empty", "the common name is empty", func(string, string) string { return "" }),
		subject("missing", "the leaf has no common name", func(*Blueprint) []byte {
			return derName(country, utf8(oidOrganization, "Amazon"))
		}),
		subject("two-common-names", "a common name of another enclave and the right one: readers differ on which counts", func(b *Blueprint) []byte {
			return derName(country, utf8(oidOrganization, "Amazon"),
				utf8(oidCommonName, other(b.module)+"."+b.region+".aws"),
				utf8(oidCommonName, b.module+"."+b.region+".aws"))
		}),
		subject("in-organizational-unit", "the right name stands in the organizational unit", func(b *Blueprint) []byte {
			return derName(country, utf8(oidOrganization, "Amazon"),
				utf8(oidOrganizationalUnit, b.module+"."+b.region+".aws"), utf8(oidCommonName, "AWS"))
		}),
	}
}

// flippedDigit is another hex digit than the last of s.
func flippedDigit(s string) string {
	if strings.HasSuffix(s, "0") {
		return "1"
	}
	return "0"
}
