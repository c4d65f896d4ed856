// Package simulate is what "nitroattest simulate" rests on: the simulated
// hypervisor of package attestationtest, with keys that outlast one process.
//
// A [State] is a directory with a seed, from which every key follows. So a
// document of one day verifies under the root of another, and two processes with
// one directory are one hypervisor. A [Simulator] is that hypervisor with one
// enclave, whose image the caller describes. It attests, it breaks documents on
// purpose ([Simulator.Break]), and package server answers over HTTPS as an
// enclave does.
//
// Nothing here is trusted by a verifier unless it is told to with the root.
package simulate
