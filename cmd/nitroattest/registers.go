package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/form"
	"github.com/nitroattest/nitroattest/pcr"
)

func newPCR(std stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pcr",
		Short: "Compute the register of a role, an instance, a signing certificate or an application",
		Args:  needCommand,
		RunE: func(*cobra.Command, []string) error {
			return hintf(errors.New("pcr: no command given"), "nitroattest pcr --help lists the commands")
		},
	}
	derive := func(use, short, long string, value func(string) (pcr.Value, error)) *cobra.Command {
		_, argument, _ := strings.Cut(use, " ")
		return &cobra.Command{
			Use: use, Short: short, Long: long, Args: needOne(argument),
			RunE: func(_ *cobra.Command, args []string) error {
				v, err := value(args[0])
				if err != nil {
					return err
				}
				return printOut(std.out, []byte(v.String()+"\n"))
			},
		}
	}
	cmd.AddCommand(
		derive("role ARN", "Print PCR3 for the IAM role of the parent instance",
			`Role prints PCR3 of an enclave whose parent instance has the IAM role. The ARN
is the role's own, with its path if it has one, as aws iam get-role prints it:
  arn:aws:iam::123456789012:role/Webserver`, valueOfRole),
		derive("instance ID", "Print PCR4 for the parent instance",
			`Instance prints PCR4 of an enclave on the parent instance with the ID:
  i-1234567890abcdef0`, valueOfInstance),
		derive("cert FILE", "Print PCR8 for the certificate that signs an image",
			`Cert prints PCR8 of an enclave whose image file was signed with the certificate,
in PEM or DER. Of several certificates in PEM the first is taken, as nitro-cli
does; a private key in the file is left alone.`,
			func(name string) (pcr.Value, error) { return valueOfCertificate(name, std) }),
		newPCRExtend(std),
	)
	return cmd
}

// isRoleARN reports whether arn has the form of IAM User Guide, "IAM
// identifiers": any partition, a path of any printable ASCII, a name of at most
// 64 characters.
func isRoleARN(arn string) bool {
	service, resource, ok := cutARN(arn)
	path, isRole := strings.CutPrefix(resource, "role/")
	if !ok || service != "iam" || !isRole {
		return false
	}
	name := path
	if slash := strings.LastIndexByte(path, '/'); slash >= 0 {
		path, name = path[:slash], path[slash+1:]
		if path == "" {
			return false
		}
	}
	return len(name) <= 64 && form.Only(name, form.Letters+form.Digits+"+=,.@_-")
}

// cutARN takes apart an ARN of something global in an account,
// arn:PARTITION:SERVICE::ACCOUNT:RESOURCE. The resource is printable ASCII.
func cutARN(arn string) (service, resource string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[3] != "" {
		return "", "", false
	}
	partition, aws := strings.CutPrefix(parts[1], "aws")
	account, resource := parts[4], parts[5]
	ok = aws && strings.Trim(partition, form.LowerLetters+form.Digits+"-") == "" &&
		len(account) == 12 && form.Only(account, form.Digits) &&
		resource != "" && !strings.ContainsFunc(resource, func(r rune) bool { return r < '!' || r > '~' })
	return parts[2], resource, ok
}

// isInstanceID reports whether id has one of the two lengths that EC2 gives out.
func isInstanceID(id string) bool {
	return form.IsInstance(id) && (len(id) == len("i-")+8 || len(id) == len("i-")+17)
}

func valueOfRole(arn string) (pcr.Value, error) {
	if isRoleARN(arn) {
		return pcr.ForRole(arn), nil
	}
	err := fmt.Errorf("pcr role: found %q, expected the ARN of a role, arn:aws:iam::123456789012:role/Webserver for example", arn)
	switch {
	case strings.Contains(arn, ":instance-profile/"):
		return pcr.Value{}, hintf(err, "this is an instance profile; PCR3 is over the role in it, which may have another name")
	case strings.Contains(arn, ":assumed-role/"):
		return pcr.Value{}, hintf(err, "this is a session of a role; PCR3 is over the role itself, with its path, as aws iam get-role prints it")
	}
	return pcr.Value{}, err
}

func valueOfInstance(id string) (pcr.Value, error) {
	if isInstanceID(id) {
		return pcr.ForInstance(id), nil
	}
	err := fmt.Errorf("pcr instance: found %q, expected an instance ID, i-1234567890abcdef0 for example", id)
	if m, ok := form.ParseModuleID(id); ok {
		return pcr.Value{}, hintf(err, "this is a module ID; the instance is %s", m.Instance)
	}
	return pcr.Value{}, err
}

// maxCertificates bounds a file of certificates.
const maxCertificates = 1 << 20

func valueOfCertificate(name string, std stdio) (pcr.Value, error) {
	data, err := std.read(name, maxCertificates)
	if err != nil {
		return pcr.Value{}, fmt.Errorf("%s: %w", name, err)
	}
	der, more, err := firstCertificate(data)
	if err != nil {
		return pcr.Value{}, fmt.Errorf("%s: %w", name, err)
	}
	if more {
		printWarning(std.err, name+": holds more than one certificate; this is the register of the first")
	}
	return pcr.ForCertificate(der), nil
}

// firstCertificate also reports whether another certificate follows.
func firstCertificate(data []byte) ([]byte, bool, error) {
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		if _, err := x509.ParseCertificate(data); err != nil {
			return nil, false, fmt.Errorf("found no certificate in PEM or DER: %w", err)
		}
		return data, false, nil
	}
	var first []byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type != "CERTIFICATE":
		case first != nil:
			return first, true, nil
		default:
			if _, err := x509.ParseCertificate(block.Bytes); err != nil {
				return nil, false, fmt.Errorf("found a certificate that cannot be read: %w", err)
			}
			first = block.Bytes
		}
	}
	if first == nil {
		return nil, false, errors.New("found PEM without a certificate")
	}
	return first, false, nil
}
