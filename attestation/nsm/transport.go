package nsm

// Sizes of the two buffers (include/uapi/linux/nsm.h).
const (
	maxRequest  = 0x1000
	maxResponse = 0x3000
)

// Transport carries requests to a Nitro Security Module. It has to be safe for
// concurrent use if the Device is used so.
type Transport interface {
	// Exchange sends a request and writes the answer to response, whose length
	// is the most that an answer may have. It returns how many bytes it wrote.
	Exchange(request, response []byte) (int, error)
	// Close releases the connection to the module.
	Close() error
}

// Device is a Nitro Security Module. It is safe for concurrent use if its
// transport is; that of Open is.
type Device struct{ transport Transport }

// New returns a device behind any transport.
func New(transport Transport) *Device { return &Device{transport} }

// Close closes the transport.
func (d *Device) Close() error { return d.transport.Close() }

// exchange sends a request and returns the response.
func (d *Device) exchange(request []byte) ([]byte, error) {
	if len(request) > maxRequest {
		return nil, refuse(InputTooLarge, "found a request of %d bytes, expected at most %d", len(request), maxRequest)
	}
	response := make([]byte, maxResponse)
	n, err := d.transport.Exchange(request, response)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > len(response) {
		return nil, refuse(InvalidResponse, "found a response of %d bytes, expected at most %d", n, len(response))
	}
	return response[:n], nil
}
