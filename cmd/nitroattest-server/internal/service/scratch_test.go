package service_test

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// Requests get the memory of those before them: of larger and smaller ones, and
// of broken ones. Many at a time, each answer is about its own document.
func TestEachAnswerIsAboutItsOwnDocument(t *testing.T) {
	k := newKit(t)
	k.undescribed = true
	const workers, each = 8, 20
	type exchange struct {
		body     string
		userData string
	}
	paddings := []int{0, 20 << 10, 100 << 10}
	var exchanges [workers * each]exchange
	for i := range exchanges {
		userData := []byte(strings.Repeat(fmt.Sprint(i, " "), 1+i))
		c := k.challenge(t, "")
		document := k.attest(t, c, attestationtest.Request{UserData: userData[:min(len(userData), 512)]})
		if i%4 == 3 {
			der, err := base64.StdEncoding.DecodeString(document)
			require.NoError(t, err)
			document = hex.EncodeToString(der)
		}
		body := toJSON(t, object{"policy": "prod", "report": "brief", "challenge": c, "document": document})
		exchanges[i] = exchange{body + strings.Repeat(" ", paddings[i%len(paddings)]), hex.EncodeToString(userData[:min(len(userData), 512)])}
	}
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range each {
				x := exchanges[worker*each+i]
				broken, _ := k.send(t, "POST", "/v1/verify", x.body[:len(`{"challenge":"`)+10*i])
				assert.Equal(t, http.StatusBadRequest, broken.StatusCode)
				_, answer := k.send(t, "POST", "/v1/verify", x.body)
				assert.Equal(t, true, answer["accepted"], "%v", answer)
				assert.Equal(t, x.userData, answer["user_data"])
			}
		})
	}
	wg.Wait()
}

func TestRequestsInOneWriteAreAllAnswered(t *testing.T) {
	k := newKit(t)
	address, _ := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	var requests strings.Builder
	for range 3 {
		body := toJSON(t, k.good(t))
		fmt.Fprintf(&requests, "POST /v1/verify HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		requests.WriteString("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
	}
	_, err = io.WriteString(conn, requests.String())
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	for range 3 {
		for _, want := range []string{`"accepted":true`, "ok"} {
			response, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Equal(t, 200, response.StatusCode)
			assert.Contains(t, string(body), want)
		}
	}
}
