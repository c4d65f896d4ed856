package settings

import (
	"errors"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/input"
)

// Values of Trust.Partition and Trust.MissingCRL.
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

	// Words returns what the user calls a setting, as Appraisal.Words does. Nil: its
	// name in JSON.
	Words func(setting string) string
}

func (t Trust) name(setting string) string {
	if t.Words == nil {
		return setting
	}
	return t.Words(setting)
}

// wrong is an error about a setting, in the words of the user.
func (t Trust) wrong(setting, format string, args ...any) error {
	return fmt.Errorf("%s: %w", t.name(setting), fmt.Errorf(format, args...))
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

// Roots returns what Root or Partition names. The roots of two partitions
// are never trusted together.
func (t Trust) Roots() (*certs.Roots, error) {
	if t.Root != nil && t.Partition != nil {
		return nil, t.wrong(Partition, "given beside %s, expected one of them", t.name(Roots))
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
		return nil, t.wrong(Partition, "found %q, expected %q or %q", *t.Partition, PartitionAWS, PartitionGovCloud)
	}
}

func (t Trust) readRoots(name string) (*certs.Roots, error) {
	data, err := t.read(name, maxRoots)
	if err != nil {
		return nil, t.wrong(Roots, "%s: %w", name, err)
	}
	roots, err := certs.ParseRoots(data)
	if err != nil {
		return nil, t.wrong(Roots, "%s: %w", name, err)
	}
	return roots, nil
}

// UnknownStatus returns what MissingCRL says.
func (t Trust) UnknownStatus() (certs.UnknownStatus, error) {
	if t.MissingCRL == nil {
		return certs.RefuseUnknown, nil
	}
	unknown := certs.UnknownStatus(*t.MissingCRL)
	switch {
	case len(t.CRLs) == 0:
		return "", t.wrong(MissingCRL, "given without %s", t.name(CRLs))
	case unknown != certs.RefuseUnknown && unknown != certs.InsecureAcceptUnknown:
		return "", t.wrong(MissingCRL, "found %q, expected %q or %q", *t.MissingCRL, certs.RefuseUnknown, certs.InsecureAcceptUnknown)
	}
	return unknown, nil
}

// Revocations returns nil, which checks nothing, without CRLs.
func (t Trust) Revocations() (*certs.Revocations, error) {
	unknown, err := t.UnknownStatus()
	if err != nil || len(t.CRLs) == 0 {
		return nil, err
	}
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: unknown})
	if err != nil {
		return nil, t.wrong(CRLs, "%w", err)
	}
	var lists [][]byte
	for _, name := range t.CRLs {
		list, err := t.read(name, maxList)
		if err != nil {
			return nil, t.wrong(CRLs, "%s: %w", name, err)
		}
		lists = append(lists, list)
		// One at a time first, for the error to name the file.
		if err := revocations.SetCRLs(list); err != nil {
			return nil, t.wrong(CRLs, "%s: %w", name, err)
		}
	}
	if err := revocations.SetCRLs(lists...); err != nil {
		return nil, t.wrong(CRLs, "%w", err)
	}
	return revocations, nil
}
