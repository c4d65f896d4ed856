package eif_test

import (
	"bytes"
	"fmt"
	"log"
	"strings"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

func ExampleWrite() {
	var file bytes.Buffer
	err := eif.Write(&file, eif.Spec{
		Architecture: eif.X8664,
		Kernel:       strings.NewReader("a bzImage"),
		CommandLine:  "reboot=k panic=30 console=ttyS0",
		Ramdisks:     []eif.Content{strings.NewReader("init"), strings.NewReader("the application")},
		Metadata:     eif.Metadata{ImageName: "example", ImageVersion: "1.0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	image, err := eif.Measure(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	for _, section := range image.Sections {
		fmt.Println(section.Type, section.Size)
	}
	// Output:
	// kernel 9
	// cmdline 31
	// metadata 194
	// ramdisk 4
	// ramdisk 15
}
