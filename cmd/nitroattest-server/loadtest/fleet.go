//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// fleet plays many clients with one thread. It goes round their connections
// every few milliseconds and sleeps between, as a network card hands over what
// came from other machines meanwhile. A client that waits in the kernel is woken
// for each answer and takes a core away from the service for that, twice in a
// verdict, which no client on another machine does.
type fleet struct {
	clients  []*client
	every    time.Duration
	requests [][]byte
	sent     int
	took     []time.Duration
}

// client is a connection that package net does not know of: its poller would be
// woken for each answer too.
type client struct {
	socket  int
	waiting bool
	since   time.Time
	buffer  []byte
	read    int
}

// fleetSize has to keep the service busy from one round to the next.
type fleetSize struct {
	clients int
	every   time.Duration
}

func newFleet(target string, size fleetSize) (*fleet, error) {
	address, err := net.ResolveTCPAddr("tcp4", target)
	if err != nil {
		return nil, err
	}
	f := &fleet{every: size.every}
	for range size.clients {
		c, err := connect(address)
		if err != nil {
			f.close()
			return nil, err
		}
		f.clients = append(f.clients, c)
	}
	return f, nil
}

func connect(address *net.TCPAddr) (*client, error) {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	c := &client{socket: socket, buffer: make([]byte, 32<<10)}
	err = syscall.Connect(socket, &syscall.SockaddrInet4{Port: address.Port, Addr: [4]byte(address.IP.To4())})
	if err == nil {
		err = syscall.SetNonblock(socket, true)
	}
	if err != nil {
		c.close()
	}
	return c, err
}

func (c *client) close() { _ = syscall.Close(c.socket) }

func (f *fleet) close() {
	for _, c := range f.clients {
		c.close()
	}
}

// drive sends every request once, each client the next one as soon as it has its
// answer. Anything but an accepted document is an error.
func (f *fleet) drive(requests [][]byte) outcome {
	f.requests, f.sent, f.took = requests, 0, make([]time.Duration, 0, len(requests))
	begin := time.Now()
	for {
		for _, c := range f.clients {
			if err := f.attend(c); err != nil {
				return outcome{err: err}
			}
		}
		if len(f.took) == len(requests) {
			break
		}
		time.Sleep(f.every)
	}
	result := outcome{took: f.took, total: time.Since(begin)}
	slices.Sort(result.took)
	return result
}

// attend takes the answer of a client, if there is one, and sends the next
// request.
func (f *fleet) attend(c *client) error {
	if c.waiting {
		status, body, err := c.answer()
		if errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		if err == nil && (status != 200 || !bytes.Contains(body, []byte(`"accepted":true`))) {
			err = fmt.Errorf("status %d: %.300s", status, body)
		}
		if err != nil {
			return err
		}
		f.took = append(f.took, time.Since(c.since))
		c.waiting = false
	}
	if f.sent == len(f.requests) {
		return nil
	}
	request := f.requests[f.sent]
	f.sent++
	c.waiting, c.since, c.read = true, time.Now(), 0
	// The buffers of the socket are empty and hold more than a request.
	n, err := syscall.Write(c.socket, request)
	if err == nil && n < len(request) {
		err = io.ErrShortWrite
	}
	return err
}

// answer returns EAGAIN while there is none, or a part of one.
func (c *client) answer() (int, []byte, error) {
	n, err := syscall.Read(c.socket, c.buffer[c.read:])
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, nil, err
	}
	c.read += n
	head, body, _ := bytes.Cut(c.buffer[:c.read], []byte("\r\n\r\n"))
	length := -1
	for i, line := range bytes.Split(head, []byte("\r\n")) {
		if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok && i > 0 {
			if length, err = strconv.Atoi(string(rest)); err != nil {
				return 0, nil, err
			}
		}
	}
	complete := len(body) == length
	if length < 0 { // chunked
		complete = bytes.HasSuffix(body, []byte("\r\n0\r\n\r\n"))
	}
	if !complete {
		return 0, nil, syscall.EAGAIN
	}
	status, err := strconv.Atoi(string(head[len("HTTP/1.1 "):][:3]))
	return status, body, err
}
