package attestationtest

import (
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
)

// kind makes a document of the wrong kind, or of both.
func kind(name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "kind-" + name, Topic: TopicDocumentKind, Reason: attestation.WrongDocumentKind, Comment: comment, Apply: apply}
}

// otherModule changes the module ID after "i-<instance>".
func otherModule(suffix string) func(*Blueprint) {
	return func(b *Blueprint) { b.SetModuleID(b.instanceID() + suffix) }
}

func kindMutations() []Mutation {
	const tpmModule = "-tpm0000000000000000"
	reverse := kind("enclave", "the document of an enclave, where one of a NitroTPM is asked for; the registers are the same", func(b *Blueprint) {
		b.field("nitrotpm_pcrs").Key = cborText("pcrs")
		otherModule("-enc0123456789abcdef")(b)
	})
	reverse.NitroTPM = true
	return []Mutation{
		kind("nitrotpm", "the document of a NitroTPM, which AWS signs for whoever owns an instance; the registers are those of the enclave", func(b *Blueprint) {
			b.field("pcrs").Key = cborText("nitrotpm_pcrs")
			otherModule(tpmModule)(b)
		}),
		reverse,
		kind("both", "registers of both kinds, the same", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: cborText("nitrotpm_pcrs"), Value: b.derived(string(cborText("pcrs")))})
		}),
		kind("registers-of-nitrotpm", "the registers are a NitroTPM's, the module an enclave", func(b *Blueprint) {
			b.field("pcrs").Key = cborText("nitrotpm_pcrs")
		}),
		kind("module-of-nitrotpm", "the module is a NitroTPM, the registers an enclave's", otherModule(tpmModule)),
		kind("module-instance-only", "the module ID is that of the instance", otherModule("")),
		kind("module-enc-short", "the enclave's ID is 15 digits long", otherModule("-enc0123456789abcde")),
		kind("module-enc-long", "the enclave's ID is 17 digits long", otherModule("-enc0123456789abcdef0")),
		kind("module-enc-upper-case", "the enclave's ID has capital digits", otherModule("-enc0123456789ABCDEF")),
		kind("module-prefix", "a letter stands before the module ID, in the document and in the leaf's name", func(b *Blueprint) {
			b.SetModuleID("x" + b.instanceID() + "-enc0123456789abcdef")
		}),
		kind("module-newline", "a newline ends the module ID, which some regular expressions overlook", otherModule("-enc0123456789abcdef\n")),
	}
}

// instanceID is the ID of the instance, as the module ID has it.
func (b *Blueprint) instanceID() string {
	id, _, _ := strings.Cut(b.module, "-enc")
	id, _, _ = strings.Cut(id, "-tpm")
	return id
}
