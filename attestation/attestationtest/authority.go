package attestationtest

import (
	"fmt"
	"sync"
	"time"
)

// rotation says how an authority's certificates follow one another. A
// certificate serves for one period and is lead old when its service begins,
// so that the ages seen in documents are those of the recorded ones.
type rotation struct{ period, lead time.Duration }

var (
	regionalRotation = rotation{108 * time.Hour, 17 * time.Hour}
	zonalRotation    = rotation{15 * time.Hour, 2 * time.Hour}
	instanceRotation = rotation{11 * time.Hour, time.Minute}
)

// service is a certificate and when it came into use.
type service struct {
	certificate *Certificate
	start       time.Time
}

// authority issues the certificate of one regional, zonal or instance
// authority for any time. It changes with the one above, so that at any time
// all that an authority has certified share its certificate. Which one it is
// depends on the time alone, not on what was asked before: two programs with
// one seed get the same.
type authority struct {
	secret   secret
	rotation rotation
	parent   func(time.Time) service
	issue    func(s secret, parent *Certificate, notBefore time.Time) *Certificate

	mu      sync.Mutex
	current service
}

func (a *authority) at(t time.Time) service {
	parent := a.parent(t)
	start := a.periodStart(t)
	if start.Before(parent.start) {
		start = parent.start
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.certificate == nil || !a.current.start.Equal(start) {
		s := a.secret.child(fmt.Sprint("from ", start.Unix()))
		a.current = service{a.issue(s, parent.certificate, start.Add(-a.rotation.lead)), start}
	}
	return a.current
}

// periodStart is when the period began that t lies in. Every authority has its
// own hour for it.
func (a *authority) periodStart(t time.Time) time.Time {
	seconds := int64(a.rotation.period / time.Second)
	offset := a.secret.below("offset", seconds)
	since := (t.Unix() - offset) % seconds
	if since < 0 {
		since += seconds
	}
	return time.Unix(t.Unix()-since, 0)
}
