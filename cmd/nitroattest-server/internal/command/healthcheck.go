package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckTimeout is longer than /readyz waits for the store.
const healthcheckTimeout = 5 * time.Second

var errUnwell = errors.New("the service is not well")

func newHealthcheck() *cobra.Command {
	var address string
	var ready bool
	cmd := &cobra.Command{
		Use:   "healthcheck --admin-listen ADDRESS [--ready]",
		Short: "Ask a running service how it is, for containers without curl",
		Long: `It asks /healthz, or /readyz with --ready, at an address of --admin-listen that
has no TLS, and prints what a service that is not well has answered. Exit status: 0 if the service is well, 1 if not, 2 for wrong flags.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if address == "" {
				return hintf(errors.New("--admin-listen: not given, expected an address of the service"), "such as unix:/run/nitroattest/admin")
			}
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			return healthcheck(cmd.Context(), address, path)
		},
	}
	cmd.Flags().StringVar(&address, "admin-listen", "", "`ADDRESS` of the service, host:port or unix:PATH")
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it can verify, and not only whether it answers")
	return cmd
}

func healthcheck(ctx context.Context, address, path string) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	network := "tcp"
	if socket, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", socket
	}
	// No proxy of the environment stands between a service and itself.
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnwell, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<10))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s: %w", errUnwell, path, err)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: %s: status %d: %s", errUnwell, path, response.StatusCode, body)
	}
	return nil
}
