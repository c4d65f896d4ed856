package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// obeySignals returns a context that ends with the first signal to stop. The
// second one closes f.running.Abort, and a hangup makes it read the files.
func (f *serveFlags) obeySignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	stops, hangups := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(stops, os.Interrupt, syscall.SIGTERM)
	signal.Notify(hangups, syscall.SIGHUP)
	abort, reload, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	f.running.Abort, f.running.Reload = abort, reload
	go func() {
		select {
		case <-stops:
			cancel()
		case <-done:
			return
		}
		select {
		case <-stops:
			close(abort)
		case <-done:
		}
	}()
	go func() {
		for {
			select {
			case <-hangups:
			case <-done:
				return
			}
			select {
			case reload <- struct{}{}:
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(stops)
		signal.Stop(hangups)
		cancel()
		close(done)
	}
}
