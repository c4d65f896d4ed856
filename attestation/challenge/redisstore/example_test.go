package redisstore_test

import (
	"context"
	"log"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

// Every replica does this at start, with the same key and the same server. For
// want of a server this example is compiled and not run.
func Example() {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{
		Addr:                  "redis.internal:6379",
		ContextTimeoutEnabled: true, // or New refuses it
	})
	store, err := redisstore.New(ctx, client, redisstore.Config{})
	if err != nil {
		log.Fatal(err) // unreachable, or it evicts keys
	}
	key, err := os.ReadFile("/run/secrets/challenge.key") // 32 random bytes
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := challenge.New(challenge.Config{Keys: [][]byte{key}, Store: store})
	if err != nil {
		log.Fatal(err)
	}
	nonce, err := issuer.Issue([]byte("session 42"))
	if err != nil {
		log.Fatal(err)
	}
	log.Println(nonce)
}
