package kms

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/certs"
)

const (
	contentType = "application/x-amz-json-1.1"

	// maxBody holds the largest attestation document, 256 KiB in base64, and a
	// key policy.
	maxBody = 1 << 20
)

// Config is what a [Server] needs. Region, Account and Credentials are required.
type Config struct {
	Region  string // "us-east-1"
	Account string // 12 digits
	// Credentials are who may send requests.
	Credentials []Credential
	// Roots are the roots of attestation documents. Nil: AWS's own.
	Roots *certs.Roots
	// Now tells the time. Nil: time.Now.
	Now func() time.Time
	// Log is told of every request, but not of what was in it. Nil: nothing is
	// logged.
	Log *slog.Logger
}

// Credential is an access key with the principal that it stands for.
type Credential struct {
	AccessKeyID     string
	SecretAccessKey string
	Principal       string // "arn:aws:iam::111122223333:role/data-processing"
}

// Server answers as AWS KMS does. It is an http.Handler and safe for concurrent
// use.
type Server struct {
	config   Config
	store    *Store
	signer   *v4.Signer
	verifier *attestation.Verifier
	sealer   recipient.Sealer
}

// NewServer returns a server for the keys in store.
func NewServer(store *Store, config Config) (*Server, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	verifier, err := newVerifier(config)
	if err != nil {
		return nil, err
	}
	// The key policy compares registers, in place of the verifier, and AWS KMS seals
	// to RSA keys only.
	sealer := recipient.Sealer{Now: config.Now, InsecureAllowAnyImage: true, InsecureAllowDowngrade: true}
	return &Server{config, store, v4.NewSigner(), verifier, sealer}, nil
}

func (c Config) check() error {
	switch {
	case c.Region == "":
		return errors.New("kms: Config.Region is empty")
	case !isAccount(c.Account):
		return errors.New("kms: Config.Account is not 12 digits")
	case len(c.Credentials) == 0:
		return errors.New("kms: Config.Credentials is empty")
	}
	for _, credential := range c.Credentials {
		if credential.AccessKeyID == "" || credential.SecretAccessKey == "" || credential.Principal == "" {
			return errors.New("kms: a field of Config.Credentials is empty")
		}
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.writeError(w, refuse(validation, "the request cannot be read, or is over %d bytes", maxBody))
		return
	}
	caller, err := s.authenticate(r, body)
	if err != nil {
		s.config.Log.Info("refused", "error", err)
		s.writeError(w, err)
		return
	}
	target := r.Header.Get("X-Amz-Target")
	answer, err := s.dispatch(r, target, caller, body)
	s.config.Log.Info("request", "target", target, "principal", caller.Principal, "error", err)
	if err != nil {
		s.writeError(w, err)
		return
	}
	write(w, http.StatusOK, answer)
	clear(answer)
}

func (s *Server) dispatch(r *http.Request, target string, caller Credential, body []byte) ([]byte, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || r.URL.Path != "/" || mediaType != contentType {
		return nil, refuse(unknownOperation, "expected POST / of %s", contentType)
	}
	switch target {
	case "TrentService.CreateKey":
		return perform(s.createKey, caller, body)
	case "TrentService.Encrypt":
		return perform(s.encrypt, caller, body)
	case "TrentService.Decrypt":
		return perform(s.decrypt, caller, body)
	case "TrentService.GenerateDataKey":
		return perform(s.generateDataKey, caller, body)
	case "TrentService.GenerateRandom":
		return perform(s.generateRandom, caller, body)
	}
	return nil, refuse(unknownOperation, "found target %q, expected an operation of TrentService that is implemented here", target)
}

// response is what an operation answers with.
type response interface {
	wipe() // zeroes what is secret in it
}

func perform[Request any, Response response](operation func(Credential, *Request) (Response, error), caller Credential, body []byte) ([]byte, error) {
	request := new(Request)
	if err := decodeStrict(body, request); err != nil {
		return nil, refuse(validation, "%v", err)
	}
	answer, err := operation(caller, request)
	if err != nil {
		return nil, err
	}
	defer answer.wipe()
	return json.Marshal(answer)
}
