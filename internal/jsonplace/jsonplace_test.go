package jsonplace_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
)

func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		``:                      "found JSON that ends too early, at line 1, column 1",
		`{`:                     "found JSON that ends too early, at line 1, column 2",
		"{\n  \"a\": \"b\"\n":   "found JSON that ends too early, at line 2, column 11",
		`{"a": "é`:              "found JSON that ends too early, at line 1, column 9",
		`{"a": tru`:             "found JSON that ends too early, at line 1, column 10",
		"{\"a\": 1,\n\"b\": x}": "found JSON that breaks at line 2, column 6",
		`{]`:                    "found JSON that breaks at line 1, column 2",
		`}`:                     "found JSON that breaks at line 1, column 1",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			err := json.Unmarshal([]byte(text), new(any))
			require.Error(t, err)
			assert.EqualError(t, jsonplace.Explain([]byte(text), err), want)

			// A decoder has other words for the same.
			err = json.NewDecoder(bytes.NewReader([]byte(text))).Decode(new(any))
			require.Error(t, err)
			assert.EqualError(t, jsonplace.Explain([]byte(text), err), want)
		})
	}
}

func TestExplainLeavesOtherErrorsAlone(t *testing.T) {
	other := errors.New("other")
	assert.Same(t, other, jsonplace.Explain([]byte("{}"), other))
	assert.NoError(t, jsonplace.Explain([]byte("{}"), nil))
}
