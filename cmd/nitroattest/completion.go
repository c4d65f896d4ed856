package main

import (
	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

// values are those of flags that have few.
var values = map[string][]string{
	"kind":        {string(pcr.Enclave), string(pcr.NitroTPM)},
	"partition":   {settings.PartitionAWS, settings.PartitionGovCloud},
	"missing-crl": {string(certs.RefuseUnknown), string(certs.InsecureAcceptUnknown)},
	"signatures":  {signaturesStandard, signaturesFast},
	"kernel":      {string(uki.KernelMeasured), string(uki.KernelNotMeasured)},
}

// completeValues lets a shell complete the values of flags. Commands, flags and
// the names of files are completed by cobra.
func completeValues(cmd *cobra.Command) error {
	for name, words := range values {
		if cmd.Flags().Lookup(name) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			return err
		}
	}
	for _, c := range cmd.Commands() {
		if err := completeValues(c); err != nil {
			return err
		}
	}
	return nil
}
