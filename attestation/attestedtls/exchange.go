package attestedtls

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// mediaType is that of a COSE_Sign1 (RFC 9052, section 11.1).
const mediaType = `application/cose; cose-type="cose-sign1"`

// maxHeader is the most that the server may say beside the document: status,
// header fields, the framing of chunks.
const maxHeader = 16 << 10

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
	request := &http.Request{
		Method: http.MethodGet,
		URL: &url.URL{
			Scheme:   "https",
			Host:     strings.TrimSuffix(address, ":443"),
			Path:     d.config.Path,
			RawQuery: "nonce=" + hex.EncodeToString(nonce),
		},
		Header: http.Header{
			"Accept":          {mediaType},
			"Accept-Encoding": {"identity"},
			"User-Agent":      {"nitroattest"},
		},
	}
	if err := request.Write(conn); err != nil {
		return nil, &Error{Reason: NoDocument, Detail: "asking the server", Err: err}
	}
	encodedSize := base64.StdEncoding.EncodedLen(d.config.DocumentSize)
	encodedSize += encodedSize/32 + 2 // line breaks
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
	case response.StatusCode != http.StatusOK:
		return errorf(NoDocument, "found status %d, expected 200", response.StatusCode)
	case response.Close:
		return errorf(NoDocument, "the server closes the connection after the document, which is good for no other")
	case len(response.Header["Content-Encoding"]) > 0:
		return errorf(NoDocument, "found a content encoding, expected none")
	}
	return nil
}

// document returns the document in the body of a response, which is base64 if
// it is text: COSE_Sign1 begins with a byte above 127.
func (d *Dialer) document(body []byte, more int) ([]byte, error) {
	if len(body) > 0 && body[0] < 0x80 {
		decoded, err := base64.StdEncoding.Strict().AppendDecode(nil, bytes.TrimSpace(body))
		if err != nil {
			return nil, &Error{Reason: NoDocument, Detail: "found text that is not base64", Err: err}
		}
		body = decoded
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
