//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"sync"
	"time"
)

const floorTime = 400 * time.Millisecond

// floor returns how many P-384 signatures some cores verify in a second; with
// attestation results, each is signed for too.
func floor(cores []int) (float64, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return 0, err
	}
	digest := sha512.Sum384([]byte("floor"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return 0, err
	}
	counts := make([]int, len(cores))
	errs := make([]error, len(cores))
	begin := time.Now()
	var wg sync.WaitGroup
	for worker, core := range cores {
		wg.Go(func() {
			if errs[worker] = stay(core); errs[worker] != nil {
				return
			}
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
	for worker, count := range counts {
		if errs[worker] != nil {
			return 0, errs[worker]
		}
		total += count
	}
	return float64(total) / time.Since(begin).Seconds(), nil
}
