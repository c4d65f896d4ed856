package settings

import (
	"errors"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/input"
)

// Values of --partition and --missing-crl.
const (
	PartitionAWS      = "aws"
	PartitionGovCloud = "aws-us-gov"

	MissingRefuse = string(certs.RefuseUnknown)
)

// Trust says whose signatures count. Nil was not given; an empty text was, and
// stands for nothing that can be trusted.
type Trust struct {
	Root       *string  // file with the roots to trust in place of AWS's
	Partition  *string  // AWS partition whose root to trust; nil: aws
	CRLs       []string // files with revocation lists
	MissingCRL *string  // what to do without a current list; nil: refuse

	Stdin io.Reader // read for a file called -; nil: no file may be called that
}

// Bounds of what is read of a file.
const (
	maxRoots = 1 << 20
	maxList  = 64 << 20
)

func (t Trust) read(name string, most int64) ([]byte, error) {
	if name == "-" && t.Stdin == nil {
		return nil, errors.New("standard input is not read here, expected the name of a file")
	}
	return input.Read(name, t.Stdin, most)
}

// Roots returns what --root or --partition names. The roots of two partitions
// are never trusted together.
func (t Trust) Roots() (*certs.Roots, error) {
	if t.Root != nil && t.Partition != nil {
		return nil, errors.New("--partition: given beside --root, expected one of them")
	}
	if t.Root != nil {
		return t.readRoots(*t.Root)
	}
	if t.Partition == nil {
		return certs.AWSNitroRootG1(), nil
	}
	switch *t.Partition {
	case PartitionAWS:
		return certs.AWSNitroRootG1(), nil
	case PartitionGovCloud:
		return certs.AWSGovCloudRoot(), nil
	default:
		return nil, fmt.Errorf("--partition: found %q, expected %q or %q", *t.Partition, PartitionAWS, PartitionGovCloud)
	}
}

func (t Trust) readRoots(name string) (*certs.Roots, error) {
	data, err := t.read(name, maxRoots)
	if err != nil {
		return nil, fmt.Errorf("--root: %s: %w", name, err)
	}
	roots, err := certs.ParseRoots(data)
	if err != nil {
		return nil, fmt.Errorf("--root: %s: %w", name, err)
	}
	return roots, nil
}

// UnknownStatus returns what --missing-crl says.
func (t Trust) UnknownStatus() (certs.UnknownStatus, error) {
	if t.MissingCRL == nil {
		return certs.RefuseUnknown, nil
	}
	unknown := certs.UnknownStatus(*t.MissingCRL)
	switch {
	case len(t.CRLs) == 0:
		return "", errors.New("--missing-crl: given without --crl")
	case unknown != certs.RefuseUnknown && unknown != certs.InsecureAcceptUnknown:
		return "", fmt.Errorf("--missing-crl: found %q, expected %q or %q", *t.MissingCRL, certs.RefuseUnknown, certs.InsecureAcceptUnknown)
	}
	return unknown, nil
}

// Revocations returns nil, which checks nothing, without --crl.
func (t Trust) Revocations() (*certs.Revocations, error) {
	unknown, err := t.UnknownStatus()
	if err != nil || len(t.CRLs) == 0 {
		return nil, err
	}
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: unknown})
	if err != nil {
		return nil, fmt.Errorf("--crl: %w", err)
	}
	var lists [][]byte
	for _, name := range t.CRLs {
		list, err := t.read(name, maxList)
		if err != nil {
			return nil, fmt.Errorf("--crl: %s: %w", name, err)
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
