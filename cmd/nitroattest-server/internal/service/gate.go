package service

import (
	"context"
	"sync/atomic"
)

// gate bounds how many verifications run at a time and how many wait for that.
// Verifying takes processor time and nothing else, so more at a time than there
// are cores would only make all of them late.
type gate struct {
	places  chan struct{}
	waiting atomic.Int64
	queue   int64
}

var errQueueFull = &problem{kind: overloaded, detail: "the queue is full; try again later"}

func newGate(places, queue int) *gate {
	return &gate{places: make(chan struct{}, places), queue: int64(queue)}
}

// enter returns once there is a place, which leave gives back. It refuses at
// once when the queue is full.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.queue {
		return errQueueFull
	}
	select {
	case g.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &problem{kind: overloaded, detail: "the request ended while it waited", err: ctx.Err()}
	}
}

func (g *gate) leave() { <-g.places }
