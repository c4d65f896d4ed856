package pcr_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/nitroattest/nitroattest/pcr"
)

func ExampleReadPolicy() {
	file, err := os.Open("../testdata/evidence/policies/turnkey.json")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	policy, err := pcr.ReadPolicy(file)
	if err != nil {
		log.Fatal(err)
	}
	for _, image := range policy.Images {
		fmt.Println(image.Name, image.PCRs.Registers())
	}
	// Output:
	// turnkey 2024-07 [0 1 2]
	// turnkey 2026-06 [0 1 2 3]
}

// A slip in a policy is refused, not skipped.
func ExampleReadPolicy_refused() {
	_, err := pcr.ReadPolicy(strings.NewReader(`{"images": [{"name": "v1.2.0", "pcrs": {"PCR0": ""}}]}`))
	fmt.Println(err)
	// Output:
	// invalid-field: images[0].pcrs.PCR0 (line 1, column 49): found 0 characters, expected 96 hex digits
}

func ExamplePolicy_Match() {
	instance := pcr.ForInstance("i-1234567890abcdef0")
	policy := pcr.Policy{Images: []pcr.Image{{
		Name: "v1.2.0",
		PCRs: pcr.Bank{
			pcr.RegisterImage:    {0: 0xaa},
			pcr.RegisterInstance: instance,
		},
	}}}

	image, err := policy.Match(pcr.Bank{0: {0: 0xaa}, 4: instance})
	fmt.Println(image.Name, err)

	_, err = policy.Match(pcr.Bank{0: {0: 0xbb}, 4: instance})
	var mismatch *pcr.MismatchError
	if errors.As(err, &mismatch) {
		for _, c := range mismatch.Images[0].Differing() {
			fmt.Printf("PCR%d, %s: got %x..., want %x...\n", c.Register, pcr.Enclave.Describe(c.Register), c.Got[:2], c.Want[:2])
		}
	}
	// Output:
	// v1.2.0 <nil>
	// PCR0, enclave image: got bb00..., want aa00...
}

func ExampleForInstance() {
	fmt.Println(pcr.ForInstance("i-1234567890abcdef0"))
	// Output:
	// 08f996b5d43e047a9eb51e7f548bfee7e164fd7dc8f65541f2ac09d6545ac812719327281c401a67a10fcba87ae79ce0
}
