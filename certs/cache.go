package certs

import (
	"container/list"
	"crypto/x509"
	"sync"
)

// cache remembers certificates whose signature was verified, so that the next
// document from the same instance or zone need not do it again. A certificate
// is known by its exact bytes under one parent, and the parent, a pointer,
// by its own bytes up to a pinned root: nothing that was not verified can come
// to stand under it.
//
// It holds successes only and vouches for nothing but the signature. Every
// other check, of validity above all, is made again at each use. The number of
// entries is bounded and the least recently used goes first, so whoever floods
// it with genuine chains can slow others down to the speed without a cache and
// no further.
type cache struct {
	size int

	mu      sync.Mutex
	entries map[cacheKey]*list.Element
	recent  list.List // of cacheEntry, most recently used first
}

type cacheKey struct {
	parent *x509.Certificate
	der    string
}

type cacheEntry struct {
	key  cacheKey
	cert *x509.Certificate
}

// newCache returns nil, which remembers nothing, when size is 0.
func newCache(size int) *cache {
	if size == 0 {
		return nil
	}
	return &cache{size: size, entries: map[cacheKey]*list.Element{}}
}

// fill puts the certificates that are known to follow the root of a chain in
// their places, as far as they are, and returns how many there are.
func (c *cache) fill(chain []*x509.Certificate, of Chain) int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := 1; i < len(chain); i++ {
		element, ok := c.entries[cacheKey{chain[i-1], string(of.at(i))}]
		if !ok {
			return i - 1
		}
		c.recent.MoveToFront(element)
		chain[i] = element.Value.(cacheEntry).cert
	}
	return len(chain) - 1
}

// add remembers the certificates of a chain, or of its beginning, every one of
// which was found to be signed by the one before. The first known ones are in
// their places already.
func (c *cache) add(chain []*x509.Certificate, known int) {
	if c == nil || known == len(chain) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	parent := chain[known-1]
	for _, cert := range chain[known:] {
		key := cacheKey{parent, string(cert.Raw)}
		element, ok := c.entries[key]
		if !ok {
			element = c.recent.PushFront(cacheEntry{key, cert})
			c.entries[key] = element
		}
		// Another goroutine may have been faster; its certificate is the one
		// under which the next will be looked for.
		parent = element.Value.(cacheEntry).cert
	}
	for len(c.entries) > c.size {
		oldest := c.recent.Back()
		delete(c.entries, c.recent.Remove(oldest).(cacheEntry).key)
	}
}
