#!/bin/sh
# From a container image to a verdict that rests on what two people signed:
#
#     release.sh
#
# It needs Go and openssl, and no network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
image=$here/../reproduce/image/first.tar
blobs=$here/../reproduce/blobs # stand-ins; yours: /usr/share/nitro_enclaves/blobs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && go build -o "$work/bin/" github.com/nitroattest/nitroattest/cmd/nitroattest)
PATH=$work/bin:$PATH
cd "$work"

# verdict runs verify as the relying party does, with the keys that it chose, the
# name that it asked for, and a file that remembers the highest version. It prints
# the first line of what comes of it.
verdict() {
	document=$1 policy=$2
	nitroattest verify --root root.pem --policy "$policy" --policy-keys builder.pub --policy-keys approver.pub \
		--policy-name example.com/hello --policy-state seen.json --nonce 6e6f6e6365 "$document" >out 2>err || true
	if [ -s out ]; then head -n 1 out; else head -n 1 err | sed 's/; no valid signature.*//'; fi
}

echo "== a release: the image file, its registers, and what a policy says of them"
nitroattest build --oci "$image" --blobs "$blobs" --name hello --version 1.0.0 -o hello-1.0.0.eif >log
nitroattest policy create --name 1.0.0 --eif hello-1.0.0.eif -o policy.json
nitroattest policy show policy.json | grep -E '^  (image|PCR0)'

echo "== two people sign, each with a key of their own"
openssl genpkey -algorithm ed25519 -out builder.pem
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out approver.pem 2>log
openssl pkey -in builder.pem -pubout -out builder.pub
openssl pkey -in approver.pem -pubout -out approver.pub
nitroattest policy sign --key builder.pem --name example.com/hello --version 1 --expires 90d --subject hello-1.0.0.eif policy.json -o signed-1.json
nitroattest simulate root --state enclaves -o root.pem
nitroattest simulate attest --state enclaves --eif hello-1.0.0.eif --nonce 6e6f6e6365 -o old.cbor
echo "with one signature:  $(verdict old.cbor signed-1.json)"
nitroattest policy sign --append --key approver.pem signed-1.json -o signed-1.json 2>log
echo "with both:           $(verdict old.cbor signed-1.json)"

echo "== a release that takes the one before back"
mkdir new
cp "$blobs"/* new
printf ' quiet' >>new/cmdline
nitroattest build --oci "$image" --blobs new --name hello --version 1.0.1 -o hello-1.0.1.eif >log
nitroattest policy create --name 1.0.1 --eif hello-1.0.1.eif --into policy.json
nitroattest policy sign --key builder.pem --key approver.pem --name example.com/hello --version 2 --expires 90d \
	--revoke 1.0.0 --subject hello-1.0.1.eif policy.json -o signed-2.json
nitroattest simulate attest --state enclaves --eif hello-1.0.1.eif --nonce 6e6f6e6365 -o new.cbor
echo "1.0.1:               $(verdict new.cbor signed-2.json)"
echo "1.0.0:               $(verdict old.cbor signed-2.json)"
echo "by the old policy:   $(verdict old.cbor signed-1.json)"
