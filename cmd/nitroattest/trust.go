package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/input"
)

// Values of --partition and --missing-crl.
const (
	partitionAWS      = "aws"
	partitionGovCloud = "aws-us-gov"

	missingRefuse = string(certs.RefuseUnknown)
)

// roots returns what --root or --partition names. The roots of two partitions
// are never trusted together.
func (f *appraisalFlags) roots() (*certs.Roots, error) {
	if f.changed("root") && f.changed("partition") {
		return nil, errors.New("--partition: given beside --root, expected one of them")
	}
	if f.changed("root") {
		return readRoots(f.root)
	}
	switch f.partition {
	case partitionAWS:
		return certs.AWSNitroRootG1(), nil
	case partitionGovCloud:
		return certs.AWSGovCloudRoot(), nil
	default:
		return nil, fmt.Errorf("--partition: found %q, expected %q or %q", f.partition, partitionAWS, partitionGovCloud)
	}
}

func readRoots(name string) (*certs.Roots, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--root: %s: %w", name, input.WithoutPath(err))
	}
	roots, err := certs.ParseRoots(data)
	if err != nil {
		return nil, fmt.Errorf("--root: %s: %w", name, err)
	}
	return roots, nil
}

func (f *appraisalFlags) registerRevocation(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.crls, "crl", nil, "`FILE` with a revocation list, DER or PEM; repeat for more")
	flags.StringVar(&f.missingCRL, "missing-crl", missingRefuse, "what to do where --crl gives no current list for a certificate that names one: refuse or insecure-accept")
}

// unknownStatus returns what --missing-crl says.
func (f *appraisalFlags) unknownStatus() (certs.UnknownStatus, error) {
	unknown := certs.UnknownStatus(f.missingCRL)
	switch {
	case len(f.crls) == 0 && f.changed("missing-crl"):
		return "", errors.New("--missing-crl: given without --crl")
	case unknown != certs.RefuseUnknown && unknown != certs.InsecureAcceptUnknown:
		return "", fmt.Errorf("--missing-crl: found %q, expected %q or %q", f.missingCRL, certs.RefuseUnknown, certs.InsecureAcceptUnknown)
	}
	return unknown, nil
}

// revocations returns nil, which checks nothing, without --crl.
func (f *appraisalFlags) revocations() (*certs.Revocations, error) {
	unknown, err := f.unknownStatus()
	if err != nil || len(f.crls) == 0 {
		return nil, err
	}
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: unknown})
	if err != nil {
		return nil, fmt.Errorf("--crl: %w", err)
	}
	var lists [][]byte
	for _, name := range f.crls {
		list, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--crl: %s: %w", name, input.WithoutPath(err))
		}
		lists = append(lists, list)
		// One at a time first, for the error to name the file.
		if err := revocations.SetCRLs(list); err != nil {
			return nil, fmt.Errorf("--crl: %s: %w", name, err)
		}
	}
	if err := revocations.SetCRLs(lists...); err != nil {
		return nil, fmt.Errorf("--crl: %w", err)
	}
	return revocations, nil
}
