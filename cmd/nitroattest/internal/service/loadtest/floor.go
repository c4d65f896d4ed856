package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"runtime"
	"sync"
	"time"
)

const floorTime = 500 * time.Millisecond

// floor returns how many P-384 signatures all cores verify in a second; with
// attestation results, each is signed for too.
func floor() float64 {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	digest := sha512.Sum384([]byte("floor"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		panic(err)
	}
	counts := make([]int, runtime.GOMAXPROCS(0))
	begin := time.Now()
	var wg sync.WaitGroup
	for worker := range counts {
		wg.Go(func() {
			for time.Since(begin) < floorTime {
				if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
					panic("a good signature was refused")
				}
				if *ear != "never" {
					_, _ = ecdsa.SignASN1(rand.Reader, key, digest[:])
				}
				counts[worker]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, count := range counts {
		total += count
	}
	return float64(total) / time.Since(begin).Seconds()
}
