// Package nsm talks to the Nitro Security Module, for programs that run inside
// an AWS Nitro enclave and want attestation documents.
//
//	device, err := nsm.Open()
//	if err != nil {
//		return err
//	}
//	defer device.Close()
//	document, err := device.Attest(userData, nonce, publicKey)
//
// The module is a virtual device that the hypervisor gives to each enclave. The
// kernel shows it as /dev/nsm, and a request is one ioctl with two buffers: a
// request of at most 4096 bytes goes out and a response of at most 12288 bytes
// comes back. In newer kernels the call needs the capability CAP_SYS_ADMIN.
//
// Both are CBOR (RFC 8949). A request is a name, or a map from one name to its
// arguments; the response has the same name, or "Error":
//
//	"DescribeNSM"                               {"DescribeNSM": {"version_major": 1, ...}}
//	"GetRandom"                                 {"GetRandom": {"random": bytes}}
//	{"DescribePCR": {"index": 16}}              {"DescribePCR": {"lock": false, "data": bytes}}
//	{"ExtendPCR": {"index": 16, "data": bytes}} {"ExtendPCR": {"data": bytes}}
//	{"LockPCR": {"index": 16}}                  "LockPCR"
//	{"LockPCRs": {"range": 20}}                 "LockPCRs"
//	{"Attestation": {"user_data": bytes,        {"Attestation": {"document": bytes}}
//	  "nonce": bytes, "public_key": bytes}}
//	any                                         {"Error": "InvalidIndex"}
//
// The hypervisor is trusted by whoever runs in an enclave, for it can read all
// of its memory. Its responses are parsed strictly nevertheless, and nothing is
// allocated from a size that one claims.
//
// The device is behind the interface [Transport]. A test puts another one in
// its place, such as the simulated module of package attestationtest:
//
//	device := nsm.New(simulated) // see the example
//
// Sources: aws/aws-nitro-enclaves-nsm-api, src/api and src/driver;
// include/uapi/linux/nsm.h of the Linux kernel.
package nsm
