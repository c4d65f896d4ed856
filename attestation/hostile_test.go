package attestation_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/hostile"
)

// allocated returns how many bytes f allocates, the least of several runs, for
// the runtime allocates too.
func allocated(f func()) int {
	least := -1
	var before, after runtime.MemStats
	for range 5 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if n := int(after.TotalAlloc - before.TotalAlloc); least < 0 || n < least {
			least = n
		}
	}
	return least
}

func TestHostileDocumentsAllocateLittle(t *testing.T) {
	v := newVerifier(t, hostile.Config())
	for _, d := range hostile.Documents() {
		t.Run(d.Name, func(t *testing.T) {
			var err error
			bytes := allocated(func() { _, err = v.Verify(d.Evidence, hostile.Expect) })
			if d.Reason == "" {
				require.NoError(t, err, d.Comment)
			} else {
				requireReason(t, d.Reason, err)
			}
			t.Logf("%s: %d bytes of evidence, %d allocated", d.Comment, len(d.Evidence), bytes)
			assert.LessOrEqual(t, bytes, d.Base+d.Allocation*len(d.Evidence))
			if d.Name != "too-large" {
				assert.LessOrEqual(t, len(d.Evidence), attestation.DefaultEvidenceSize)
			}
		})
	}
}

// Parsing for inspection is as careful, whatever signed the document.
func TestHostileDocumentsAllocateLittleUnverified(t *testing.T) {
	for _, d := range hostile.Documents() {
		bytes := allocated(func() { _, _ = attestation.ParseUnverified(d.Evidence) })
		assert.LessOrEqual(t, bytes, d.Base+d.Allocation*len(d.Evidence), d.Name)
	}
}

func BenchmarkHostile(b *testing.B) {
	v := newVerifier(b, hostile.Config())
	for _, d := range hostile.Documents() {
		b.Run(d.Name, func(b *testing.B) {
			b.SetBytes(int64(len(d.Evidence)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = v.Verify(d.Evidence, hostile.Expect)
			}
		})
	}
}
