package eif_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

func ExampleMeasure() {
	file, err := os.Open("../../testdata/eif/aws_unsigned.eif")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		log.Fatal(err)
	}
	image, err := eif.Measure(file, info.Size())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(image.Architecture, image.Metadata.ImageName, image.Metadata.ImageVersion)
	for _, register := range image.Measurements.Registers() {
		fmt.Printf("PCR%d %.16s...\n", register, image.Measurements[register])
	}
	// Output:
	// x86_64 kernel 1.0
	// PCR0 7b7976487bc18e13...
	// PCR1 7b7f8aef048f3561...
	// PCR2 2b4bf3cdaac5ac84...
}

// An image that describe-eif measures without complaint, with registers that
// no enclave will attest to.
func ExampleMeasure_walksDiffer() {
	data, err := os.ReadFile("../../testdata/eif/trailing_ramdisk_hidden.eif")
	if err != nil {
		log.Fatal(err)
	}
	_, err = eif.Measure(bytes.NewReader(data), int64(len(data)))
	var broken *eif.Error
	if errors.Is(err, eif.WalksDiffer) && errors.As(err, &broken) {
		fmt.Printf("offset %d\n", broken.Offset)
		fmt.Printf("booted    PCR0 %.16s...\n", broken.Booted[0])
		fmt.Printf("described PCR0 %.16s...\n", broken.Described[0])
	}
	// Output:
	// offset 13017
	// booted    PCR0 7b7976487bc18e13...
	// described PCR0 1d73317814c6490b...
}

// progress shows how far Measure has come. Its reads go front to back but for
// the short ones at the start.
type progress struct {
	io.ReaderAt
	size int64
}

func (p progress) ReadAt(buf []byte, offset int64) (int, error) {
	n, err := p.ReaderAt.ReadAt(buf, offset)
	if done := offset + int64(n); done == p.size {
		fmt.Printf("%d of %d bytes\n", done, p.size)
	}
	return n, err
}

func ExampleMeasure_progress() {
	data, err := os.ReadFile("../../testdata/eif/v4_three_ramdisks.eif")
	if err != nil {
		log.Fatal(err)
	}
	size := int64(len(data))
	if _, err := eif.Measure(progress{bytes.NewReader(data), size}, size); err != nil {
		log.Fatal(err)
	}
	// Output: 13806 of 13806 bytes
}

// The output can be stored as reference values: pcr.ReadPolicy reads it.
func ExampleImage_NitroCLI() {
	data, err := os.ReadFile("../../testdata/eif/v4_one_ramdisk.eif")
	if err != nil {
		log.Fatal(err)
	}
	image, err := eif.Measure(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(image.NitroCLI()); err != nil {
		log.Fatal(err)
	}
	// Output: {"Measurements":{"HashAlgorithm":"Sha384 { ... }","PCR0":"7b7f8aef048f356190715c0a8db417846de53ccc759a17de401cca686a933904a503ea1c1706a322cd569d6c9d9b53e0","PCR1":"7b7f8aef048f356190715c0a8db417846de53ccc759a17de401cca686a933904a503ea1c1706a322cd569d6c9d9b53e0","PCR2":"21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a"}}
}
