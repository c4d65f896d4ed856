package challenge_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

func BenchmarkIssue(b *testing.B) {
	issuer := newIssuer(b, challenge.Config{Store: newMemory(b, 1)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := issuer.Issue([]byte("session")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRedeem redeems fresh nonces against a Memory that fills up. Issuing
// them is not measured.
func BenchmarkRedeem(b *testing.B) {
	issuer := newIssuer(b, challenge.Config{Store: newMemory(b, b.N), Lifetime: time.Hour})
	nonces := make([]challenge.Nonce, b.N)
	for i := range nonces {
		nonces[i] = issue(b, issuer, nil)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, nonce := range nonces {
		if err := issuer.Redeem(b.Context(), nonce, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRedeemForged is what a nonce costs that never reaches the store.
func BenchmarkRedeemForged(b *testing.B) {
	issuer := newIssuer(b, challenge.Config{Store: newMemory(b, 1)})
	nonce := fromHex(b, knownNonce)
	b.ReportAllocs()
	for b.Loop() {
		if issuer.Redeem(b.Context(), nonce, nil) == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkMemoryPerEntry measures how much a Memory holds for each redemption,
// right after its map has grown and at the end of such a period.
func BenchmarkMemoryPerEntry(b *testing.B) {
	for _, entries := range []int{60_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(entries), func(b *testing.B) {
			for b.Loop() {
				memory := newMemory(b, entries)
				before := heapInUse()
				for n := range entries {
					_, err := memory.Redeem(b.Context(), id(n), start, start.Add(time.Hour))
					require.NoError(b, err)
				}
				b.ReportMetric(float64(heapInUse()-before)/float64(entries), "B/entry")
				runtime.KeepAlive(memory)
			}
		})
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
