package uki_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/nitroattest/nitroattest/pcr/uki"
)

func ExampleMeasure() {
	file, err := os.Open(filepath.Join("..", "..", "testdata", "uki", "standard.efi"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		log.Fatal(err)
	}
	image, err := uki.Measure(file, info.Size(), uki.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(image.Stub)
	for _, register := range image.Measurements.Registers() {
		fmt.Printf("PCR%d %.16s...\n", register, image.Measurements[register])
	}
	// Output:
	// systemd-stub 252
	// PCR4 e0e92d220ca8923d...
	// PCR7 98441c7f7625d100...
	// PCR12 0000000000000000...
	// PCR13 0000000000000000...
}
