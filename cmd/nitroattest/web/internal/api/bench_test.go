package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/web/internal/api"
)

// What a document of a known chain costs without WebAssembly. npm/test says
// what it costs with it.
func BenchmarkAppraiseKnownChain(b *testing.B) {
	t := &testing.T{}
	var l api.Library
	document := read(t, weather)
	text := settings(t, "policy", string(read(t, "evidence/policies/nautilus-weather.json")), "recorded", true)
	b.ReportAllocs()
	for b.Loop() {
		_, err := l.Appraise(document, text)
		require.NoError(b, err)
	}
}
