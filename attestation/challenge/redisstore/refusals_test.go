package redisstore_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

func TestNewRefusesClientsAndOptions(t *testing.T) {
	offline := &redis.Options{Network: "unix", Addr: "/nonexistent/socket", ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1}
	good := redis.NewClient(offline)
	defer good.Close()
	deaf := redis.NewClient(&redis.Options{Network: "unix", Addr: "/nonexistent/socket"})
	defer deaf.Close()
	deafCluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"192.0.2.1:6379"}})
	defer deafCluster.Close()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "192.0.2.1:6379"}, ContextTimeoutEnabled: true})
	defer ring.Close()

	for _, c := range []struct {
		name    string
		client  redis.UniversalClient
		options redisstore.Config
		want    string
	}{
		{"nil", nil, patient, "redisstore: client: nil"},
		{"nil client", (*redis.Client)(nil), patient, "redisstore: client: nil"},
		{"nil cluster client", (*redis.ClusterClient)(nil), patient, "redisstore: client: nil"},
		{"ring", ring, patient, "redisstore: client: found a *redis.Ring, expected a *redis.Client or a *redis.ClusterClient"},
		{"deaf client", deaf, patient, "redisstore: client: its option ContextTimeoutEnabled is false"},
		{"deaf cluster client", deafCluster, patient, "redisstore: client: its option ContextTimeoutEnabled is false"},
		{"negative timeout", good, redisstore.Config{Timeout: -1}, "redisstore: Config.Timeout: found -1ns, expected a positive duration, or 0 for 2s"},
		{"server down", good, patient, "redisstore: asking /nonexistent/socket for its eviction policy: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, err := redisstore.New(t.Context(), c.client, c.options)
			require.ErrorContains(t, err, c.want)
			assert.Nil(t, store)
		})
	}
}

func TestNewRefusesServersThatEvict(t *testing.T) {
	for _, c := range []struct {
		name, limit, policy string
		refused             bool
	}{
		{"the default", "0", "noeviction", false},
		{"without a limit", "0", "allkeys-lru", false},
		{"with a limit that refuses", "100mb", "noeviction", false},
		{"any key", "100mb", "allkeys-lru", true},
		{"keys that expire", "100mb", "volatile-ttl", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, "--maxmemory", c.limit, "--maxmemory-policy", c.policy)
			store, err := redisstore.New(t.Context(), s.clientFor(t), patient)
			if !c.refused {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, `found maxmemory "104857600" with maxmemory-policy "`+c.policy+`", expected noeviction`)
			assert.Nil(t, store)

			insecure := patient
			insecure.InsecureAllowEviction = true
			_, err = redisstore.New(t.Context(), s.clientFor(t), insecure)
			require.NoError(t, err)
		})
	}
}

func TestNewRefusesAServerThatDoesNotTell(t *testing.T) {
	s := startServer(t)
	client := s.clientFor(t)
	_, err := redisstore.New(t.Context(), client, redisstore.Config{})
	require.NoError(t, err)
	client.AddHook(silentInfo{})
	store, err := redisstore.New(t.Context(), client, redisstore.Config{})
	require.ErrorContains(t, err, `found maxmemory "" with maxmemory-policy "", expected noeviction`)
	assert.Nil(t, store)
}

func TestNewAsksEveryShardOfACluster(t *testing.T) {
	good := startServer(t)
	bad := startServer(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-random")
	_, err := redisstore.New(t.Context(), newCluster(t, good, bad), patient)
	require.ErrorContains(t, err, "allkeys-random")
	_, err = redisstore.New(t.Context(), newCluster(t, good, good), patient)
	require.NoError(t, err)
}

func TestAServerWithoutMemoryIsFull(t *testing.T) {
	s := startServer(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
	issuer := newReplica(t, s)
	nonce := issue(t, issuer)
	err := issuer.Redeem(t.Context(), nonce, nil)
	require.ErrorIs(t, err, challenge.StoreFull)
	require.ErrorContains(t, err, "store-full: the redemption was not recorded: redisstore: store-full: OOM command not allowed")

	require.NoError(t, s.clientFor(t).ConfigSet(t.Context(), "maxmemory", "0").Err())
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil), "it was not recorded")
}

func TestAReplicaOfTheServerRefuses(t *testing.T) {
	s := startServer(t)
	issuer := newReplica(t, s)
	require.NoError(t, issuer.Redeem(t.Context(), issue(t, issuer), nil))
	// Nothing listens there, which makes no difference to what a replica refuses.
	require.NoError(t, s.clientFor(t).ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	err := issuer.Redeem(t.Context(), issue(t, issuer), nil)
	require.ErrorIs(t, err, challenge.StoreUnavailable)
	assert.ErrorContains(t, err, "READONLY")
}

func TestThePrefixAndTwoCommandsAreAllTheAccessItNeeds(t *testing.T) {
	s := startServer(t)
	require.NoError(t, s.clientFor(t).Do(t.Context(), "ACL", "SETUSER", "service", "on", ">secret", "~attested:*", "+set", "+info").Err())
	options := s.clientOptions()
	options.Username, options.Password = "service", "secret"
	client := redis.NewClient(options)
	defer client.Close()

	mine := patient
	mine.Prefix = "attested:"
	store, err := redisstore.New(t.Context(), client, mine)
	require.NoError(t, err)
	issuer := newIssuer(t, store, nil)
	nonce := issue(t, issuer)
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
	require.ErrorIs(t, issuer.Redeem(t.Context(), nonce, nil), challenge.AlreadyRedeemed)

	issuer = newIssuer(t, newStore(t, client), nil) // with another prefix
	err = issuer.Redeem(t.Context(), nonce, nil)
	require.ErrorIs(t, err, challenge.StoreUnavailable)
	assert.ErrorContains(t, err, "NOPERM")
}

// A server that takes connections and never answers is as good as none: the
// context or the timeout ends the call, and that refuses the nonce.
func TestASilentServerRefuses(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
		}
	}()
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), ContextTimeoutEnabled: true, ReadTimeout: -1})
	defer client.Close()

	impatient := redisstore.Config{Timeout: time.Millisecond, InsecureAllowEviction: true}
	store, err := redisstore.New(t.Context(), client, impatient)
	require.NoError(t, err, "nothing was asked")
	issuer := newIssuer(t, store, nil)
	err = issuer.Redeem(t.Context(), issue(t, issuer), nil)
	require.ErrorIs(t, err, challenge.StoreUnavailable)

	impatient.InsecureAllowEviction = false
	store, err = redisstore.New(t.Context(), client, impatient)
	require.Error(t, err)
	assert.Nil(t, store)

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	patientButNotAsking := patient
	patientButNotAsking.InsecureAllowEviction = true
	store, err = redisstore.New(t.Context(), client, patientButNotAsking)
	require.NoError(t, err)
	err = newIssuer(t, store, nil).Redeem(canceled, issue(t, issuer), nil)
	require.ErrorIs(t, err, challenge.StoreUnavailable)
	assert.ErrorIs(t, err, context.Canceled)
}

// When the answer is lost, go-redis sends the command again and finds its own
// key. The nonce is lost, and never accepted twice.
func TestALostAnswerRefuses(t *testing.T) {
	s := startServer(t)
	options := s.clientOptions()
	lossy := &lossyConn{}
	options.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return lossy.wrap(conn), nil
	}
	client := redis.NewClient(options)
	defer client.Close()
	issuer := newIssuer(t, newStore(t, client), nil)
	nonce := issue(t, issuer)
	lossy.lose.Store(true)
	require.ErrorIs(t, issuer.Redeem(t.Context(), nonce, nil), challenge.AlreadyRedeemed)
	require.False(t, lossy.lose.Load(), "an answer was lost")
	require.NoError(t, issuer.Redeem(t.Context(), issue(t, issuer), nil))
}
