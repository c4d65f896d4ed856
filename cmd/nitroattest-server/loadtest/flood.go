//go:build linux

package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// flood sends garbage of three kinds over and over until standard input ends:
// random bytes that look like a document at first, a document that is cut off,
// and a whole one under a root that nobody trusts.
func flood(target string, connections int) error {
	random := make([]byte, 5000)
	rand.Read(random)
	random[0] = 0x84
	whole := attestationtest.NewHypervisor().Attest(attestationtest.Request{})
	var requests [][]byte
	for _, document := range [][]byte{random, whole[:len(whole)-40], whole} {
		challenge := base64.RawURLEncoding.EncodeToString(make([]byte, 57))
		challenge = "AQ" + challenge[2:] // the version
		requests = append(requests, raw(target, mustJSON(map[string]string{"policy": "load", "challenge": challenge, "report": *report,
			"document": base64.StdEncoding.EncodeToString(document)})))
	}
	var refused, turnedAway atomic.Int64
	failed := make(chan error, connections)
	for range connections {
		go func() { failed <- floodOne(target, requests, &refused, &turnedAway) }()
	}
	fmt.Println("ready")
	begin := time.Now()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case err := <-failed:
		return err
	case <-ended:
	}
	fmt.Printf("%.0f a second refused, %.0f turned away\n", float64(refused.Load())/time.Since(begin).Seconds(), float64(turnedAway.Load())/time.Since(begin).Seconds())
	return nil
}

func floodOne(target string, requests [][]byte, refused, turnedAway *atomic.Int64) error {
	conn, err := plain(target).dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	c := newConnection(conn)
	for i := 0; ; i++ {
		status, _, err := c.exchange(requests[i%len(requests)])
		switch {
		case err != nil:
			return err
		case status == 200:
			refused.Add(1)
		case status == 503:
			turnedAway.Add(1)
		default:
			return fmt.Errorf("found status %d, expected 200 or 503", status)
		}
	}
}
