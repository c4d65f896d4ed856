package main

import (
	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/settings"
)

func (f *appraisalFlags) registerTrust(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.root, "root", "", "`PEM` file with the roots to trust in place of AWS's")
	flags.StringVar(&f.partition, "partition", settings.PartitionAWS, "AWS partition whose root to trust: aws or aws-us-gov")
	flags.StringArrayVar(&f.crls, "crl", nil, "`FILE` with a revocation list, DER or PEM; repeat for more")
	flags.StringVar(&f.missingCRL, "missing-crl", settings.MissingRefuse, "what to do where --crl gives no current list for a certificate that names one: refuse or insecure-accept")
}

// trust leaves out what was not given.
func (f *appraisalFlags) trust(std stdio) settings.Trust {
	trust := settings.Trust{CRLs: f.crls, Stdin: std.in, Words: flagName}
	for name, field := range map[string]struct {
		value *string
		given **string
	}{
		"root":        {&f.root, &trust.Root},
		"partition":   {&f.partition, &trust.Partition},
		"missing-crl": {&f.missingCRL, &trust.MissingCRL},
	} {
		if f.changed(name) {
			*field.given = field.value
		}
	}
	return trust
}
