package service_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// described is the description that the service serves, read by a library that
// shares nothing with it.
var described = sync.OnceValues(func() (*openapi3.T, error) {
	file, err := openapi3.NewLoader().LoadFromFile("openapi.json")
	if err != nil {
		return nil, err
	}
	return file, file.Validate(openapi3.NewLoader().Context, openapi3.IsOpenAPI31OrLater(), openapi3.EnableSchemaPatternValidation())
})

// requireDescribed holds every exchange of these tests to the description: a
// request that is not refused has to be valid, and so has every answer of a path
// that there is.
func requireDescribed(t testing.TB, request *http.Request, body []byte, recorder *httptest.ResponseRecorder) {
	t.Helper()
	spec, err := described()
	require.NoError(t, err)
	item := spec.Paths.Value(request.URL.Path)
	if item == nil || item.GetOperation(request.Method) == nil {
		require.GreaterOrEqual(t, recorder.Code, 400)
		return
	}
	request = request.Clone(t.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: request,
		Route:   &routers.Route{Spec: spec, Path: request.URL.Path, PathItem: item, Method: request.Method, Operation: item.GetOperation(request.Method)},
		Options: &openapi3filter.Options{IncludeResponseStatus: true, SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if recorder.Code < 400 {
		require.NoError(t, openapi3filter.ValidateRequest(t.Context(), input))
	}
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 recorder.Code,
		Header:                 recorder.Header(),
		Body:                   io.NopCloser(bytes.NewReader(recorder.Body.Bytes())),
		Options:                input.Options,
	}))
}

func TestTheDescriptionIsServed(t *testing.T) {
	k := newKit(t)
	_, answer := k.send(t, "GET", "/openapi.json", "")
	assert.Equal(t, "3.1.0", answer["openapi"])
	spec, err := described()
	require.NoError(t, err)
	served, err := json.Marshal(answer["paths"])
	require.NoError(t, err)
	for _, path := range spec.Paths.InMatchingOrder() {
		assert.Contains(t, string(served), `"`+path+`"`)
	}
}

// Every path and method that is described is there, and a GET of it works.
func TestEverythingDescribedIsThere(t *testing.T) {
	k := newKit(t)
	spec, err := described()
	require.NoError(t, err)
	for path, item := range spec.Paths.Map() {
		for method := range item.Operations() {
			response, _ := k.send(t, method, path, "{}")
			assert.NotEqual(t, 405, response.StatusCode, path)
			if method == http.MethodGet {
				assert.Equal(t, 200, response.StatusCode, path)
			}
		}
	}
}

// The check can fail: what the description does not allow is found.
func TestTheDescriptionRefusesOtherAnswers(t *testing.T) {
	spec, err := described()
	require.NoError(t, err)
	item := spec.Paths.Value("/v1/verify")
	request := httptest.NewRequest("POST", "/v1/verify", nil)
	validate := func(status int, body string) error {
		return openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request,
				Route: &routers.Route{Spec: spec, Path: "/v1/verify", PathItem: item, Method: "POST", Operation: item.Post}},
			Status: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body:    io.NopCloser(bytes.NewReader([]byte(body))),
			Options: &openapi3filter.Options{IncludeResponseStatus: true},
		})
	}
	k := newKit(t)
	response, _ := k.send(t, "POST", "/v1/verify", toJSON(t, k.good(t)))
	good, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, validate(200, string(good)))
	assert.Error(t, validate(201, string(good)))
	for from, to := range map[string]string{
		`"accepted":true`:        `"accepted":1`,
		`"challenge":"redeemed"`: `"challenge":"kept"`,
		`"reason":""`:            `"reason":"unheard-of"`,
		`"kind":"enclave"`:       `"kind":"sgx"`,
		`"authentic":true,`:      ``,
	} {
		changed := bytes.Replace(good, []byte(from), []byte(to), 1)
		require.NotEqual(t, good, changed, from)
		assert.Error(t, validate(200, string(changed)), to)
	}
}
