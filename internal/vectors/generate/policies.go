package main

import (
	"fmt"
	"strings"

	"github.com/nitroattest/nitroattest/internal/vectors"
)

// A value for registers in texts of policies, and the zero value.
var (
	someValue = strings.Repeat("a7", 48)
	zeroValue = strings.Repeat("00", 48)
)

// policies makes tests of policies alone, most of which cannot be used.
func policies() vectors.Group {
	group := vectors.Group{
		Type:    vectors.Policies,
		Comment: "Policies by themselves. An invalid one is refused when it is read or when a verifier is made of it, whatever the document would be.",
	}
	for _, t := range policyTests {
		test := vectors.Test{
			Name: "policy-" + t.name, Comment: t.comment, Flags: []string{t.flag},
			PolicyText: expand(t.text), Kind: "enclave", Attacker: vectors.Author, Result: vectors.Invalid,
		}
		test.Acceptable = isAcceptable(test.Name)
		if strings.HasPrefix(t.name, "nitrotpm-") {
			test.Kind = "nitrotpm"
		}
		if t.valid {
			test.Result = vectors.Valid
		}
		group.Tests = append(group.Tests, test)
	}
	return group
}

// expand turns "[0 1]" into an image with two registers, and <v> and <0> into
// values.
func expand(text string) string {
	if list, ok := strings.CutPrefix(text, "registers "); ok {
		var pairs []string
		for _, register := range strings.Fields(list) {
			register, zero := strings.CutSuffix(register, "=0")
			value := "<v>"
			if zero {
				value = "<0>"
			}
			pairs = append(pairs, fmt.Sprintf("%q: %q", register, value))
		}
		text = `{"images": [{"name": "v1", "pcrs": {` + strings.Join(pairs, ", ") + `}}]}`
	}
	return strings.NewReplacer("<v>", someValue, "<0>", zeroValue).Replace(text)
}

const (
	usable      = "UsablePolicy"
	application = "ApplicationRegisters"
)

var policyTests = []struct {
	name, flag string
	valid      bool
	text       string
	comment    string
}{
	{"pcr0", usable, true, "registers 0", "PCR0 is the whole image"},
	{"pcr1-and-pcr2", usable, true, "registers 1 2", "kernel and application"},
	{"pcr8", usable, true, "registers 8", "whoever signed the image"},
	{"all-of-image", usable, true, "registers 0 1 2 8", "everything that measures the image"},
	{"long-names", usable, true, "registers PCR0 PCR1 PCR2", "registers by the other of their two spellings"},
	{"two-images", usable, true, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}, {"name": "v2", "pcrs": {"8": "<v>"}}]}`, "two images"},
	{"pcr0-and-pcr4", usable, true, "registers 0 4", "an image on one instance"},
	{"empty-file", usable, false, " ", "nothing at all"},
	{"empty-object", usable, false, "{}", "an object without images"},
	{"null", usable, false, "null", "null"},
	{"no-images", usable, false, `{"images": []}`, "a list of no image, which some take for any image"},
	{"images-null", usable, false, `{"images": null}`, "null in place of images"},
	{"no-registers", usable, false, `{"images": [{"name": "v1", "pcrs": {}}]}`, "an image without registers, which every enclave would match"},
	{"registers-missing", usable, false, `{"images": [{"name": "v1"}]}`, "an image that says nothing of registers"},
	{"second-without-registers", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}, {"name": "v2", "pcrs": {}}]}`, "a good image, and one without registers"},
	{"pcr0-zero", usable, false, "registers 0=0", "PCR0 is zero, which every enclave in debug mode would match"},
	{"pcr8-zero", usable, false, "registers 8=0", "PCR8 is zero, which every unsigned image would match"},
	{"pcr2-zero", usable, false, "registers 0 1 2=0", "one register of several is zero"},
	{"second-zero", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}, {"name": "v2", "pcrs": {"0": "<0>"}}]}`, "a good image, and one of zeros"},
	{"pcr1-only", usable, false, "registers 1", "the kernel alone: any application would match"},
	{"pcr2-only", usable, false, "registers 2", "the application alone: any kernel would match"},
	{"pcr3-only", usable, false, "registers 3", "the role of the instance alone: any image would match"},
	{"pcr4-only", usable, false, "registers 4", "the instance alone: any image on it would match"},
	{"pcr1-and-pcr4", usable, false, "registers 1 3 4", "the kernel and where it runs"},
	{"value-empty", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": ""}}]}`, "an empty value, which a comparison with a missing register would find equal"},
	{"value-null", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": null}}]}`, "null in place of a value"},
	{"value-short", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "a7"}}]}`, "a value of one byte"},
	{"value-long", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>a7"}}]}`, "a value of 49 bytes"},
	{"value-not-hex", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "` + strings.Repeat("zz", 48) + `"}}]}`, "a value that is not hex"},
	{"value-wildcard", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "*"}}]}`, "an asterisk, which stands for nothing here"},
	{"register-negative", usable, false, "registers 0 -1", "a register of index -1"},
	{"register-32", usable, false, "registers 0 32", "a register that does not exist"},
	{"register-huge", usable, false, "registers 0 4294967296", "an index that is 0 in 32 bits"},
	{"register-twice", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>", "0": "<v>"}}]}`, "one register twice"},
	{"register-twice-by-two-names", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>", "PCR0": "<v>"}}]}`, "one register by both of its spellings"},
	{"images-twice", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}], "images": []}`, "images twice"},
	{"unknown-key", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}], "allowAny": true}`, "a key that is unknown, and might be meant"},
	{"key-in-other-case", usable, false, `{"Images": [{"name": "v1", "pcrs": {"0": "<v>"}}]}`, "a key in other case"},
	{"unknown-key-of-image", usable, false, `{"images": [{"name": "v1", "PCRs": {"0": "<v>"}}]}`, "a key of an image in other case"},
	{"name-missing", usable, false, `{"images": [{"pcrs": {"0": "<v>"}}]}`, "an image without a name, which no verdict could name"},
	{"name-twice", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}, {"name": "v1", "pcrs": {"8": "<v>"}}]}`, "two images of one name"},
	{"trailing", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}]} {}`, "another value after the policy"},
	{"cut", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}`, "the end is missing"},
	{"pcr16-beside-pcr0", application, true, "registers 0 16", "a register of the application's beside the image"},
	{"pcr31-beside-pcr8", application, true, "registers 8 31", "the last register beside the signer"},
	{"pcr16-only", application, false, "registers 16", "a register of the application's alone: any image can extend it"},
	{"pcr16-to-pcr31", application, false, "registers 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31", "every register of the application's and none of the image's"},
	{"nitrotpm-pcr7-and-pcr13", usable, true, "registers 7 13=0", "whoever may sign what boots, and no system extensions"},
	{"nitrotpm-pcr4-pcr12-and-pcr13", usable, true, "registers 4 12 13", "the kernel, its command line and the system extensions"},
	{"nitrotpm-zeros", usable, true, "registers 4 7 11=0 12=0 13=0 14=0 23=0", "no command line that overrides another, and nothing else from outside"},
	{"nitrotpm-pcr7-only", usable, false, "registers 7", "whoever may sign what boots; any system extension would match"},
	{"nitrotpm-pcr4-and-pcr12", usable, false, "registers 4 12", "the kernel and its command line; any system extension would match"},
	{"nitrotpm-pcr4-only", usable, false, "registers 4 13", "the kernel without its command line"},
	{"nitrotpm-pcr12-only", usable, false, "registers 12 13", "the command line without the kernel"},
	{"nitrotpm-pcr0-only", usable, false, "registers 0 13", "the firmware: any system would match"},
	{"nitrotpm-pcr7-zero", usable, false, "registers 7=0 13", "no Secure Boot, which any system can have"},
	{"nitrotpm-pcr9-zero", usable, false, "registers 7 13 9=0", "zero in a register in which zero says nothing"},
	{"nitrotpm-pcr24", usable, false, "registers 7 13 24", "a register that a NitroTPM does not have"},
	{"nitrotpm-pcr16", application, false, "registers 7 13 16", "a register that the guest can reset"},
	{"nitrotpm-pcr23", application, false, "registers 7 13 23", "the other register that the guest can reset"},
	{"nitrotpm-pcr15", application, true, "registers 7 13 15", "a register that the guest can extend and not reset"},
	{"two-equal-images", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}}, {"name": "v2", "pcrs": {"0": "<v>"}}]}`, "two images with the same registers"},
	{"narrower-image", usable, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>", "8": "<v>"}}, {"name": "v2", "pcrs": {"0": "<v>"}}]}`, "an image of which the other accepts everything"},
	{"exchange", application, true, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}, "exchange": [16, 17]}]}`, "registers that an exchange has to expect"},
	{"exchange-of-image", application, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}, "exchange": [8]}]}`, "a register of the hypervisor's in the list of the application's"},
	{"exchange-pinned", application, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>", "16": "<v>"}, "exchange": [16]}]}`, "a register that the image pins and the exchange expects"},
	{"exchange-twice", application, false, `{"images": [{"name": "v1", "pcrs": {"0": "<v>"}, "exchange": [16, 16]}]}`, "a register twice in the list of the exchange"},
	{"kind-unknown", usable, false, `{"kind": "tdx", "images": [{"name": "v1", "pcrs": {"0": "<v>"}}]}`, "a kind that is unknown"},
	{"kind-other", usable, false, `{"kind": "nitrotpm", "images": [{"name": "v1", "pcrs": {"0": "<v>", "4": "<v>", "12": "<v>", "13": "<v>"}}]}`, "the other kind than was asked for"},
}
