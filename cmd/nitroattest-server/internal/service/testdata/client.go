// Client is what a relying party writes in Go against the client that oapi-codegen
// makes of the description. `.ci/openapi go` compiles it and runs it against a
// server:
//
//	client URL POLICY REGISTER=HEX COMMAND [ARGUMENT]...
//
// COMMAND answers the challenge that is appended to it with a document in base64.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"

	"client/api"
)

type sender = func(client *api.ClientWithResponses, policy, challenge string, document []byte, registers api.ExpectedRegisters) (*api.VerifyResponse, error)

func main() {
	log.SetFlags(0)
	client, err := api.NewClientWithResponses(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	policy, enclave := os.Args[2], os.Args[4:]
	register, value, _ := strings.Cut(os.Args[3], "=")
	for _, send := range []sender{asJSON, asCOSE} {
		verdict, err := exchange(client, policy, enclave, send, api.ExpectedRegisters{register: value})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(verdict)
	}
}

func exchange(client *api.ClientWithResponses, policy string, enclave []string, send sender, registers api.ExpectedRegisters) (string, error) {
	issued, err := client.IssueChallengeWithResponse(context.Background(), api.ChallengeRequest{})
	if err != nil {
		return "", err
	}
	if issued.JSON201 == nil {
		return "", fmt.Errorf("no challenge: %s", issued.Status())
	}
	challenge := issued.JSON201.Challenge
	text, err := exec.Command(enclave[0], append(enclave[1:len(enclave):len(enclave)], challenge)...).Output()
	if err != nil {
		return "", err
	}
	document, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		return "", err
	}
	answer, err := send(client, policy, challenge, document, registers)
	if err != nil {
		return "", err
	}
	if p := answer.ApplicationproblemJSON400; p != nil {
		return "problem: " + p.Detail, nil
	}
	if answer.JSON200 == nil {
		return "", fmt.Errorf("no verdict: %s", answer.Status())
	}
	// The type of an accepted verdict says nothing by itself: look at Accepted.
	accepted, err := answer.JSON200.AsAcceptedBriefVerdict()
	if err == nil && accepted.Accepted {
		return "accepted: " + *accepted.ImageName + " in " + accepted.ModuleId, nil
	}
	refused, err := answer.JSON200.AsRefusedBriefVerdict()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("refused: %s", refused.Reason), nil
}

func asJSON(client *api.ClientWithResponses, policy, challenge string, document []byte, registers api.ExpectedRegisters) (*api.VerifyResponse, error) {
	brief := api.VerifyRequestReportBrief
	return client.VerifyWithResponse(context.Background(), nil, api.VerifyRequest{
		Policy: policy, Challenge: &challenge, Document: base64.StdEncoding.EncodeToString(document), Report: &brief, Pcrs: &registers,
	})
}

func asCOSE(client *api.ClientWithResponses, policy, challenge string, document []byte, registers api.ExpectedRegisters) (*api.VerifyResponse, error) {
	brief := api.VerifyParamsReportBrief
	return client.VerifyWithBodyWithResponse(context.Background(), &api.VerifyParams{
		Policy: &policy, Challenge: &challenge, Report: &brief, Pcrs: &registers,
	}, "application/cose", bytes.NewReader(document))
}
