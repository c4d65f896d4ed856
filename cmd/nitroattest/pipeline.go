package main

import (
	"iter"
	"runtime"
	"sync"
)

// inOrder applies work to every file on all cores and hands the outcomes to
// done one at a time, in the order of the files. What is under way at once is
// bounded, so memory does not grow with the number of files. It stops at the
// first error of done and returns it.
func inOrder(names iter.Seq2[string, error], work func(name string) []outcome, done func(outcome) error) error {
	// Twice as many as there are cores, for a worker that reads a file uses none.
	workers := 2 * runtime.GOMAXPROCS(0)
	jobs := make(chan job, workers)
	pending := make(chan job, 8*workers)
	stop := make(chan struct{})

	go func() {
		defer close(pending)
		defer close(jobs)
		for name, err := range names {
			j := job{name, make(chan []outcome, 1)}
			select {
			case pending <- j:
			case <-stop:
				return
			}
			if err != nil {
				j.outcomes <- []outcome{{file: name, err: err}}
				continue
			}
			jobs <- j
		}
	}()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for j := range jobs {
				j.outcomes <- work(j.name)
			}
		})
	}
	defer group.Wait()
	defer close(stop)
	for j := range pending {
		for _, o := range <-j.outcomes {
			if err := done(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// job is a file on its way through; what comes of its documents is sent once.
type job struct {
	name     string
	outcomes chan []outcome
}
