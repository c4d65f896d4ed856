package main

import (
	"fmt"
	"io"
	"time"
)

// progress keeps one line on a terminal up to date about long work.
type progress struct {
	w     io.Writer // nil: nobody looks
	shown time.Time
}

const (
	progressInterval = 100 * time.Millisecond
	clearLine        = "\r\x1b[K"
)

// newProgress shows progress where standard error is a terminal, unless the
// results go to a terminal themselves and are progress enough.
func newProgress(std stdio) *progress {
	if !isTerminal(std.err) || isTerminal(std.out) {
		return &progress{}
	}
	return &progress{w: std.err}
}

// newProgressOfOne is for work whose one result comes at its end, wherever it
// goes.
func newProgressOfOne(std stdio) *progress {
	if !isTerminal(std.err) {
		return &progress{}
	}
	return &progress{w: std.err, shown: time.Now()} // short work shows nothing
}

func (p *progress) show(format string, args ...any) {
	if p.w == nil || time.Since(p.shown) < progressInterval {
		return
	}
	p.shown = time.Now()
	fmt.Fprint(p.w, clearLine+fmt.Sprintf(format, args...))
}

// showMeanwhile is for work that does not tell how far it has come: the line is
// there from when it turns out to be long until stop, which has to be called.
func (p *progress) showMeanwhile(text string) (stop func()) {
	if p.w == nil {
		return func() {}
	}
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-ended:
		case <-time.After(progressInterval):
			fmt.Fprint(p.w, clearLine+text)
			<-ended
			fmt.Fprint(p.w, clearLine)
		}
	}()
	return func() {
		close(ended)
		<-gone
	}
}

// clear makes room for other output.
func (p *progress) clear() {
	if p.w != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, clearLine)
		p.shown = time.Time{}
	}
}
