package service

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Connections that were there when the list of clients ended need another one, as
// new connections do.
func TestTheEndOfAListOfClientsEndsConnections(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, each := range []struct {
		kind    string
		expires time.Time
		looked  time.Time
		changes int64
	}{
		{kindClientCRL, now.Add(-time.Minute), now.Add(-time.Hour), 1},
		{kindClientCRL, now.Add(-time.Minute), now.Add(-time.Second), 0}, // it was told before
		{kindClientCRL, now.Add(time.Hour), now.Add(-time.Hour), 0},
		{kindCRL, now.Add(-time.Minute), now.Add(-time.Hour), 0},
	} {
		f := NewFiles(slog.New(slog.DiscardHandler))
		state := fileState{Kind: each.kind, inUse: inUse{ID: "same", expires: each.expires}, looked: each.looked}
		f.warnIfExpired(state, state)
		assert.Equal(t, each.changes, f.tlsChanges.Load(), "%+v", each)
	}
}
