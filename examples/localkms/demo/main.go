// Command demo releases a data key to a simulated enclave through the stand-in
// for AWS KMS, with the real client of AWS's SDK, and tries to have it released
// to two others.
//
//	go run ./examples/localkms/demo
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/localkms/kms"
	"github.com/nitroattest/nitroattest/pcr"
)

const (
	region    = "us-east-1"
	account   = "111122223333"
	principal = "arn:aws:iam::111122223333:role/data-processing"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	hypervisor := attestationtest.NewHypervisor()
	enclave := hypervisor.Enclave()
	client, stop, err := start(hypervisor)
	if err != nil {
		return err
	}
	defer stop()

	key, err := client.CreateKey(ctx, &awskms.CreateKeyInput{Policy: aws.String(keyPolicy(enclave.Image()))})
	if err != nil {
		return err
	}
	fmt.Println("a key for one image:", *key.KeyMetadata.Arn)

	dataKey, blob, err := generate(ctx, client, *key.KeyMetadata.Arn, enclave)
	if err != nil {
		return err
	}
	again, err := decrypt(ctx, client, blob, enclave)
	if err != nil {
		return err
	}
	fmt.Printf("the enclave has a data key of %d bytes, and decrypts its copy to the same: %t\n", len(dataKey), bytes.Equal(dataKey, again))
	clear(dataKey)
	clear(again)

	instance := enclave.Instance()
	for _, other := range []struct {
		name    string
		enclave *attestationtest.Enclave
	}{
		{"an enclave with another image", instance.NewEnclave(attestationtest.WithImage(pcr.Bank{0: pcr.Value{1}}))},
		{"the image in debug mode", instance.NewEnclave(attestationtest.WithDebugMode())},
	} {
		_, err := decrypt(ctx, client, blob, other.enclave)
		var refused smithy.APIError
		if !errors.As(err, &refused) {
			return fmt.Errorf("%s was not refused: %v", other.name, err)
		}
		fmt.Printf("%s: %s\n", other.name, refused.ErrorCode())
	}
	return nil
}

// start serves the stand-in, which trusts the hypervisor's root, and returns a
// client for it.
func start(hypervisor *attestationtest.Hypervisor) (client *awskms.Client, stop func(), err error) {
	directory, err := os.MkdirTemp("", "localkms")
	if err != nil {
		return nil, nil, err
	}
	store, err := kms.OpenStore(filepath.Join(directory, "keys.db"))
	if err != nil {
		return nil, nil, err
	}
	secret := rand.Text()
	handler, err := kms.NewServer(store, kms.Config{
		Region: region, Account: account, Roots: hypervisor.Roots(),
		Credentials: []kms.Credential{{AccessKeyID: "demo", SecretAccessKey: secret, Principal: principal}},
	})
	if err != nil {
		return nil, nil, err
	}
	server := httptest.NewServer(handler)
	client = awskms.New(awskms.Options{
		Region:       region,
		BaseEndpoint: &server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("demo", secret, ""),
	})
	return client, func() {
		server.Close()
		_ = store.Close()
		_ = os.RemoveAll(directory)
	}, nil
}

func keyPolicy(image pcr.Image) string {
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{
		"Effect": "Allow",
		"Principal": {"AWS": %q},
		"Action": ["kms:Decrypt", "kms:GenerateDataKey"],
		"Resource": "*",
		"Condition": {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": %q}}
	}]}`, principal, image.PCRs[pcr.RegisterImage])
}

// generate is what an enclave does for a new data key. It keeps the data key to
// itself and gives the copy that is encrypted under the KMS key to its parent,
// to store.
func generate(ctx context.Context, client *awskms.Client, keyID string, enclave *attestationtest.Enclave) (dataKey, blob []byte, err error) {
	private, info, err := attest(enclave)
	if err != nil {
		return nil, nil, err
	}
	answer, err := client.GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{
		KeyId: &keyID, KeySpec: types.DataKeySpecAes256, Recipient: info,
	})
	if err != nil {
		return nil, nil, err
	}
	dataKey, err = recipient.Open(answer.CiphertextForRecipient, private)
	return dataKey, answer.CiphertextBlob, err
}

// decrypt is what an enclave does with the stored copy.
func decrypt(ctx context.Context, client *awskms.Client, blob []byte, enclave *attestationtest.Enclave) ([]byte, error) {
	private, info, err := attest(enclave)
	if err != nil {
		return nil, err
	}
	answer, err := client.Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: blob, Recipient: info})
	if err != nil {
		return nil, err
	}
	return recipient.Open(answer.CiphertextForRecipient, private)
}

// attest makes the enclave's key pair and has the public part attested. A real
// enclave makes it once, at start.
func attest(enclave *attestationtest.Enclave) (*rsa.PrivateKey, *types.RecipientInfo, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, nil, err
	}
	document, err := enclave.NSM().Attest(nil, nil, public)
	return private, &types.RecipientInfo{
		AttestationDocument:    document,
		KeyEncryptionAlgorithm: types.KeyEncryptionMechanismRsaesOaepSha256,
	}, err
}
