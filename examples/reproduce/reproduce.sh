#!/bin/sh
# From a container image to the registers that an enclave attests, twice.
#
#     reproduce.sh [BLOBS]
#
# BLOBS is the directory with the files that nitro-cli puts beside an image,
# /usr/share/nitro_enclaves/blobs on the machine that has them. Without it,
# stand-ins take their place.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
blobs=${1:-$here/blobs}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && go build -o "$work/bin/" github.com/nitroattest/nitroattest/cmd/nitroattest)
PATH=$work/bin:$PATH
cd "$work"

echo "== the registers of the image"
nitroattest measure --oci "$here/image/first.tar" --blobs "$blobs" | grep PCR

# The second time everything is other that the result must not depend on: the
# archive, which was built again from the Dockerfile, the times of the files, the
# clock, the time zone, the umask, the directory, the language.
echo "== two builds"
nitroattest build --oci "$here/image/first.tar" --blobs "$blobs" -o first.eif >first.log
mkdir elsewhere
cp -R "$blobs" elsewhere/files
cp "$here/image/second.tar" elsewhere/renamed
touch -t 200102030405 elsewhere/renamed elsewhere/files/*
sleep 1
(
	cd elsewhere
	umask 077
	TZ=Pacific/Kiritimati LANG=C LC_ALL=C HOME=/ TMPDIR=. nitroattest build --oci renamed --blobs files -o second.eif >second.log
)
if cmp "$here/image/first.tar" "$here/image/second.tar" >cmp.log; then
	echo "the two archives are one"
	exit 1
fi
cmp first.eif elsewhere/second.eif
echo "equal, byte for byte"

echo "== an enclave that runs it"
nitroattest simulate root --state state -o root.pem
nitroattest simulate attest --state state --eif first.eif --nonce 6e6f6e6365 -o document.cbor
nitroattest verify --root root.pem --oci "$here/image/second.tar" --blobs "$blobs" --nonce 6e6f6e6365 document.cbor >verdict
head -n 2 verdict

echo "== one whose kernel was told to start a shell"
printf '%s init=/bin/sh' "$(cat "$blobs/cmdline")" >elsewhere/files/cmdline
nitroattest simulate attest --state state --oci "$here/image/first.tar" --blobs elsewhere/files --nonce 6e6f6e6365 -o document.cbor
status=0
nitroattest verify --root root.pem --eif first.eif --nonce 6e6f6e6365 document.cbor >verdict 2>verify.log || status=$?
grep -E '^(REFUSED|    PCR)' verdict
[ "$status" = 3 ]
