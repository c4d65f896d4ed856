package crlfetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxRedirects is generous: AWS's hosts answer directly.
const maxRedirects = 3

// restrict returns a copy of a client that follows redirects on one host only
// and carries nothing from one request to the next.
func restrict(client *http.Client, hosts []hostPattern) *http.Client {
	restricted := *client
	restricted.Jar = nil
	restricted.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		err := checkURL(hosts, next.URL.String())
		switch {
		case len(via) > maxRedirects:
			err = fmt.Errorf("found more than %d", maxRedirects)
		case err == nil && next.URL.Host != via[0].URL.Host:
			err = fmt.Errorf("found one from %q to %q, expected the same host", via[0].URL.Host, next.URL.Host)
		}
		if err != nil {
			return &redirectError{err}
		}
		return nil
	}
	return &restricted
}

type redirectError struct{ err error }

func (e *redirectError) Error() string { return "redirect: " + e.err.Error() }

// renew gets one list and hands it over.
func (u *Updater) renew(ctx context.Context, l *list, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, u.config.Timeout)
	defer cancel()
	body, refused := u.get(ctx, l.url)
	if refused != nil {
		refused.URL = l.url
		return refused
	}
	u.handing.Lock()
	defer u.handing.Unlock()
	if err := u.config.Revocations.Update(l.issuer, body); err != nil {
		return &Error{Reason: Unusable, URL: l.url, Err: err}
	}
	// A list that is out of date, or one of another scope, is authentic and
	// does not help.
	if until := u.currentUntil(l); until.Before(at) {
		return &Error{Reason: NotCurrent, URL: l.url, Detail: fmt.Sprintf("found no list of %q afterwards that is current at %s and covers what names this one", l.issuer.Subject, at.UTC().Format(time.RFC3339))}
	}
	return nil
}

func (u *Updater) get(ctx context.Context, from string) ([]byte, *Error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, &Error{Reason: NotAllowed, Err: err}
	}
	request.Header.Set("Accept-Encoding", "identity") // MaxSize bounds what is received
	response, err := u.client.Do(request)
	if err != nil {
		var refused *redirectError
		if errors.As(err, &refused) {
			return nil, &Error{Reason: NotAllowed, Err: refused}
		}
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // it repeats the URL
			err = wrapped.Err
		}
		return nil, &Error{Reason: Unreachable, Err: err}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &Error{Reason: Unreachable, Detail: fmt.Sprintf("found status %d, expected %d", response.StatusCode, http.StatusOK)}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, u.config.MaxSize+1))
	if err != nil {
		return nil, &Error{Reason: Unreachable, Err: err}
	}
	if int64(len(body)) > u.config.MaxSize {
		return nil, &Error{Reason: TooLarge, Detail: fmt.Sprintf("found more than %d bytes", u.config.MaxSize)}
	}
	return body, nil
}
