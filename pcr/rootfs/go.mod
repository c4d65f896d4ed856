module github.com/nitroattest/nitroattest/pcr/rootfs

go 1.26.0

require (
	github.com/klauspost/compress v1.20.4
	github.com/nitroattest/nitroattest v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/veraison/go-cose v1.3.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
