package command

import (
	"log/slog"
	"net"
	"os"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// notifier tells systemd what the service does, as sd_notify(3) has it: with
// datagrams to the socket that NOTIFY_SOCKET names. Without it nobody is told.
func notifier(logger *slog.Logger) func(service.State) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	return func(state service.State) {
		if err := notify(socket, notification(state)); err != nil {
			logger.Warn("the service manager cannot be told", slog.String("error", err.Error()))
		}
	}
}

func notification(state service.State) string {
	switch state {
	case service.Reloading:
		return "RELOADING=1"
	case service.Stopping:
		return "STOPPING=1"
	default:
		return "READY=1"
	}
}

func notify(socket, text string) error {
	if socket[0] == '@' {
		socket = "\x00" + socket[1:] // an abstract address
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(text))
	return err
}
