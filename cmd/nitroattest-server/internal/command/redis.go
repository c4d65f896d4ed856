package command

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/nitroattest/nitroattest/internal/input"
)

// redisPassword is not a flag, for those are seen in the list of processes.
const redisPassword = "NITROATTEST_REDIS_PASSWORD"

// poolSize is how many redemptions are under way at a time, if the URL does not
// say: enough for 850 a second with a store that takes 300 ms.
const poolSize = 256

// errRedisURL does not quote the URL, which may have a password.
var errRedisURL = errors.New("--redis: found no URL of a server, expected rediss://HOST:PORT, " +
	"rediss+sentinel://HOST:PORT?master_name=NAME or rediss+cluster://HOST:PORT, or redis in place of rediss")

// errRedisSkipsVerify is about a parameter of go-redis that would trust any server.
var errRedisSkipsVerify = errors.New("--redis: found the parameter skip_verify, expected none: whoever is on the network could answer for the store; --redis-ca names its authorities")

// redisClient returns a client of one server, of the master that Sentinel names, or
// of a cluster.
func (f *serveFlags) redisClient() (redis.UniversalClient, error) {
	u, err := url.Parse(f.redis)
	if err != nil {
		return nil, errRedisURL
	}
	if u.Query().Has("skip_verify") {
		return nil, errRedisSkipsVerify
	}
	scheme, kind, _ := strings.Cut(u.Scheme, "+")
	u.Scheme = scheme
	password, err := f.password()
	if err != nil {
		return nil, err
	}
	sized := u.Query().Has("pool_size")
	switch kind {
	case "":
		options, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, errRedisURL
		}
		options.ContextTimeoutEnabled = true
		set(&options.Password, password)
		setPool(&options.PoolSize, sized)
		return redis.NewClient(options), f.trustCA(options.TLSConfig)
	case "sentinel":
		options, err := redis.ParseFailoverURL(u.String())
		if err != nil || options.MasterName == "" {
			return nil, errRedisURL
		}
		options.ContextTimeoutEnabled = true
		set(&options.Password, password)
		setPool(&options.PoolSize, sized)
		return redis.NewFailoverClient(options), f.trustCA(options.TLSConfig)
	case "cluster":
		options, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, errRedisURL
		}
		options.ContextTimeoutEnabled = true
		set(&options.Password, password)
		setPool(&options.PoolSize, sized)
		return redis.NewClusterClient(options), f.trustCA(options.TLSConfig)
	}
	return nil, errRedisURL
}

func set(to *string, value string) {
	if value != "" {
		*to = value
	}
}

func setPool(to *int, sized bool) {
	if !sized {
		*to = poolSize
	}
}

// password is that of the file, or else of the environment; empty: the URL's.
func (f *serveFlags) password() (string, error) {
	if f.redisPassword == "" {
		return os.Getenv(redisPassword), nil
	}
	data, err := os.ReadFile(f.redisPassword)
	if err != nil {
		return "", fmt.Errorf("--redis-password-file: %s: %w", f.redisPassword, input.WithoutPath(err))
	}
	data = bytes.TrimRight(data, "\r\n")
	if len(data) == 0 {
		return "", fmt.Errorf("--redis-password-file: %s: empty, expected a password", f.redisPassword)
	}
	return string(data), nil
}

// trustCA trusts the authorities of a file in place of the system's.
func (f *serveFlags) trustCA(config *tls.Config) error {
	if f.redisCA == "" {
		return nil
	}
	if config == nil {
		return errors.New("--redis-ca: given without TLS, expected a URL that begins with rediss")
	}
	data, err := os.ReadFile(f.redisCA)
	if err != nil {
		return fmt.Errorf("--redis-ca: %s: %w", f.redisCA, input.WithoutPath(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return fmt.Errorf("--redis-ca: %s: found no certificate", f.redisCA)
	}
	config.RootCAs = pool
	return nil
}
