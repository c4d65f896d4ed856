package eif

import "fmt"

// checkSections checks how many sections of each type there are, and that the
// kernel comes before the ramdisks.
func checkSections(sections []Section, version uint16) ([]Warning, error) {
	count := map[SectionType]int{}
	for _, s := range sections {
		count[s.Type]++
	}
	fail := func(reason Reason, t SectionType, expected string) ([]Warning, error) {
		return nil, &Error{Reason: reason, Where: "sections", Offset: offsetsOffset,
			Detail: fmt.Sprintf("found %d of type %v, expected %s", count[t], t, expected)}
	}
	switch {
	case count[SectionKernel] != 1:
		return fail(KernelCount, SectionKernel, "exactly one")
	case count[SectionCommandLine] != 1:
		return fail(CommandLineCount, SectionCommandLine, "exactly one")
	case count[SectionSignature] > 1:
		return fail(SignatureCount, SectionSignature, "at most one")
	case count[SectionMetadata] > 1:
		return fail(MetadataCount, SectionMetadata, "at most one")
	case count[SectionMetadata] == 0 && version >= 4:
		return fail(MetadataCount, SectionMetadata, fmt.Sprintf("one in version %d", version))
	}
	if err := checkRamdiskOrder(sections); err != nil {
		return nil, err
	}
	var warnings []Warning
	if count[SectionRamdisk] == 0 {
		warnings = append(warnings, Warning{NoRamdisk, "found no ramdisk; QEMU expects one"})
	}
	if count[SectionMetadata] == 1 && version < 4 {
		warnings = append(warnings, Warning{MetadataVersion,
			fmt.Sprintf("found metadata in version %d, expected it in version 4 only", version)})
	}
	return warnings, nil
}

// checkRamdiskOrder looks at what comes before the kernel, of which there is
// one.
func checkRamdiskOrder(sections []Section) error {
	for i := 0; sections[i].Type != SectionKernel; i++ {
		if s := sections[i]; s.Type == SectionRamdisk {
			return &Error{Reason: RamdiskOrder, Where: fmt.Sprintf("section %d (ramdisk)", i), Offset: s.Offset,
				Detail: "found before the kernel, expected after it"}
		}
	}
	return nil
}
