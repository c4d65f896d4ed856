package rootfs

// LimitEntries sets another limit than MaxEntries. Whoever calls it must not run
// beside others.
func LimitEntries(n int) (restore func()) {
	maxEntries = n
	return func() { maxEntries = MaxEntries }
}
