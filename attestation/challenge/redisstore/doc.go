// Package redisstore lets several replicas redeem nonces against one Redis or
// Valkey server, as a store for package challenge.
//
// A redemption is one command, which the server carries out in one step:
//
//	SET <prefix><32 hex digits of the ID> 1 PX <milliseconds> NX
//
// with EX in place of PX for whole seconds. OK means that this was the first
// redemption, a null reply that it was not.
// Anything else is an error, which refuses the nonce: a server that is down,
// that only replicates, that has no memory left, or that did not answer in
// time. A call that lost its answer may have been carried out; go-redis then
// sends it again, finds its own key and reports a nonce that was redeemed
// before. That nonce is lost and the client needs another.
//
// The time to live runs until the nonce's expiry and challenge.Config.ClockSkew
// after that. It is sent as a duration, so the server's clock may show any time.
//
// # Epochs
//
// [Store.Epoch] and [Store.RedeemIn] are for a service that accepts no nonce twice
// even if its servers forget. An [Epoch] ends when a server is restarted, flushed,
// replaced or made to follow another, and when a first replica connects to it.
// The nonces that were issued in an epoch end with it, also those that were never
// redeemed; their clients need others. What is said of restarts and failover below
// does not concern such a service, and two servers that both believe to be the
// master take redemptions of different nonces. A server that evicts is noticed when
// somebody asks for the epoch, which has ended then. Two dangers stay: somebody who
// deletes single keys, and a clock that jumps ahead. A redemption takes one script,
// and the ACL "~<prefix>* +eval +get +set +info".
//
// # What the server has to keep
//
// Without epochs, a nonce is good once as long as the server keeps its key for its
// time to live. When the key of a redeemed nonce is gone, every replica takes the
// nonce for a new one, until it expires. So this package bounds the damage to
// the nonces of the last Lifetime, and what else can go wrong is up to the
// server:
//
// Eviction. With maxmemory and a maxmemory-policy other than noeviction, the
// server drops keys when its memory is full. [New] asks for both and refuses
// such a server. With noeviction a full server refuses writes, and the nonce is
// refused with challenge.StoreFull. The answer holds for the time of asking:
// leave the policy alone afterwards, or use epochs, for which it is asked each time.
//
// Restart. What the server still knows after a crash depends on its append-only
// file:
//
//	appendonly yes,      a redemption is on disk before it is answered; nothing
//	appendfsync always   that was accepted is accepted again. Needs
//	                     no-appendfsync-on-rewrite no, the default, and a disk
//	                     that keeps what it has confirmed.
//	appendfsync          on disk a second later. If the machine loses power, the
//	everysec             redemptions of the last second are lost, and of up to
//	                     two when the disk is slow. If only the process dies, the
//	                     kernel still has what was written, which is all of it
//	                     unless the disk was slow.
//	appendfsync no       as everysec, with about 30 seconds in place of one.
//	appendonly no        everything since the last snapshot is lost, and without
//	                     snapshots everything.
//
// Failover. Replication is asynchronous: the server answers first and tells its
// replicas afterwards. When a replica takes over, it lacks the last redemptions,
// whatever the append-only file says, and those nonces are accepted once more.
// That goes for Sentinel and for Cluster. During a partition, a master that has
// been cut off takes redemptions that the other side does not see, until it
// notices; min-replicas-to-write and min-replicas-max-lag limit how long. WAIT
// would narrow this and not close it, and is not used. If not even that may happen,
// use a single server with appendfsync always and be unavailable while it is down,
// or a store that replicates before it answers.
//
// Several masters. With active-active replication, where two servers take writes
// for the same key, each accepts the nonce once. The same goes for a proxy or
// client that sends keys elsewhere when a server is down: a [redis.Ring] does, and
// is refused. So are flushing, deleting and restoring old snapshots.
//
// Clocks. The server counts down by its own clock. If that clock jumps ahead, or
// a replica whose clock is ahead takes over, keys expire early. Together with the
// difference between the clocks of the issuers, this may come to
// challenge.Config.ClockSkew.
//
// Who can write to the server can delete redemptions. Give it authentication
// and TLS as the network requires; the ACL that suffices is
// "~<prefix>* +set +info" beside what the client needs to connect.
//
// Sources: Redis documentation, "SET", "Redis persistence", "Redis replication";
// the comments in redis.conf; src/aof.c for the two seconds.
package redisstore
