package attestedtls

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// mediaType is that of a COSE_Sign1 (RFC 9052, section 11.1).
const mediaType = `application/cose; cose-type="cose-sign1"`

// maxHeader is the most that the server may say beside the document: status,
// header fields, the framing of chunks.
const maxHeader = 16 << 10

// maxAround is the most that may be around the document in the body of an answer,
// in JSON for example.
const maxAround = 16 << 10

// Question is a request for a document, to Config.Path.
type Question struct {
	Method      string // GET or POST, for example
	Query       string // encoded, without the question mark
	ContentType string // of the body
	Body        []byte // nil: none
}

// AskJSON is for Config.Ask: a POST of a JSON object with the nonce in base64 as
// its only member, of the given name.
func AskJSON(name string) func(nonce []byte) Question {
	return func(nonce []byte) Question {
		body, _ := json.Marshal(map[string][]byte{name: nonce}) // strings and bytes do not fail
		return Question{Method: http.MethodPost, ContentType: "application/json", Body: body}
	}
}

// exchange sends the nonce to the server and returns the document that it
// answers with. The connection is as it was, and can be used for the next
// request, unless there is an error.
func (d *Dialer) exchange(ctx context.Context, conn *tls.Conn, address string, nonce []byte) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	evidence, err := d.ask(conn, address, nonce)
	if !stop() {
		return nil, &Error{Reason: NoDocument, Detail: "not in time", Err: context.Cause(ctx)}
	}
	return evidence, err
}

func (d *Dialer) ask(conn *tls.Conn, address string, nonce []byte) ([]byte, error) {
	question := Question{Method: http.MethodGet}
	switch {
	case d.config.Ask != nil:
		question = d.config.Ask(nonce)
	case !d.config.WithoutNonce:
		question.Query = "nonce=" + hex.EncodeToString(nonce)
	}
	request := &http.Request{
		Method: question.Method,
		URL: &url.URL{
			Scheme:   "https",
			Host:     strings.TrimSuffix(address, ":443"),
			Path:     d.config.Path,
			RawQuery: question.Query,
		},
		Header: http.Header{
			"Accept":          {mediaType},
			"Accept-Encoding": {"identity"},
			"User-Agent":      {"nitroattest"},
		},
	}
	if question.Body != nil {
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(question.Body)), int64(len(question.Body))
		request.Header.Set("Content-Type", question.ContentType)
	}
	if err := request.Write(conn); err != nil {
		return nil, &Error{Reason: NoDocument, Detail: "asking the server", Err: err}
	}
	encodedSize := 2*d.config.DocumentSize + maxAround // hex is the longest encoding
	limited := &io.LimitedReader{R: conn, N: int64(maxHeader + encodedSize)}
	buffered := bufio.NewReader(limited)
	response, err := http.ReadResponse(buffered, request)
	if err == nil {
		if err := checkResponse(response); err != nil {
			return nil, err
		}
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(response.Body, int64(encodedSize)+1)); err == nil {
			if len(body) > encodedSize {
				return nil, errorf(TooLarge, "found an answer of more than %d bytes", encodedSize)
			}
			return d.document(body, buffered.Buffered())
		}
	}
	if limited.N == 0 {
		return nil, errorf(TooLarge, "found an answer of %d bytes without an end", maxHeader+encodedSize)
	}
	return nil, &Error{Reason: NoDocument, Detail: "reading the answer", Err: withoutQuotes(err)}
}

// withoutQuotes replaces errors of the HTTP parser, which quote what the server
// said, at any length. Those of the connection stay.
func withoutQuotes(err error) error {
	var network net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
		return err
	}
	return errors.New("found a malformed HTTP response")
}

// checkResponse refuses answers after which the connection cannot be used, or
// that hold something other than a document.
func checkResponse(response *http.Response) error {
	switch {
	case response.StatusCode == http.StatusTooManyRequests, response.StatusCode == http.StatusServiceUnavailable:
		busy := errorf(Busy, "found status %d: try again later", response.StatusCode)
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			busy.RetryAfter = time.Duration(min(seconds, 3600)) * time.Second
		}
		return busy
	case response.StatusCode != http.StatusOK:
		return errorf(NoDocument, "found status %d, expected 200", response.StatusCode)
	case response.Close:
		return errorf(NoDocument, "the server closes the connection after the document, which is good for no other")
	case len(response.Header["Content-Encoding"]) > 0:
		return errorf(NoDocument, "found a content encoding, expected none")
	}
	return nil
}

// document returns the document in the body of a response.
func (d *Dialer) document(body []byte, more int) ([]byte, error) {
	body, err := d.config.Decode(body)
	if err != nil {
		return nil, &Error{Reason: NoDocument, Detail: "decoding the answer", Err: err}
	}
	if len(body) == 0 {
		return nil, &Error{Reason: NoDocument, Detail: "reading the answer", Err: errors.New("found an empty one")}
	}
	if len(body) > d.config.DocumentSize {
		return nil, errorf(TooLarge, "found a document of %d bytes, expected at most %d", len(body), d.config.DocumentSize)
	}
	if more > 0 {
		return nil, errorf(NoDocument, "found %d bytes after the answer, expected none before the next request", more)
	}
	return body, nil
}
