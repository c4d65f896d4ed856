// Package connections decides who may have a connection to the service, so that
// no client takes the places of the others.
//
// A client is an IPv4 address or the /64 network of an IPv6 address. There are
// three bounds: on all connections, on those of one client, and on TLS handshakes
// that are under way. None of them makes anybody wait for somebody else:
//
//   - A client that has all its places gives up its own oldest connection that
//     has no request under way. If it has none, the new connection is closed.
//   - When all places are taken, the client with the most connections gives one
//     up. A client that has fewer than the newcomer loses none.
//   - A handshake waits for one of a few places. One client gets a quarter of
//     them at most. When all are taken, the client with the most handshakes gives
//     one up for a client with fewer; otherwise the connection waits its turn, and
//     the client with the fewest handshakes comes first.
//
// What is given up is, first, the oldest connection that waits for a request or
// for the rest of a handshake; then the oldest that has not sent its body yet or
// does not take its answer. A request that is being answered is never given up.
//
// A handshake may read [maxHandshake] bytes, and no more handshakes compute at a
// time than there are cores: each piece that a client has sent waits for one of
// them, and gives it back with the answer, or when more has to be read, so that a
// client which stops in between keeps none. That goes for the second hello after a
// HelloRetryRequest (RFC 8446, section 4.1.4) and for the client's certificate too. Handshakes end before package http sees a connection.
//
// Behind a balancer that hides the addresses of its clients, all of them are one
// client. Then the bound for one client has to be that for all.
package connections
