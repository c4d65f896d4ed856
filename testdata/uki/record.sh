#!/bin/bash
# Builds the images and variables of this directory and boots them, for the
# registers and event logs in *.log. Needs Debian 12 with gcc-mingw-w64-x86-64-win32,
# systemd-boot-efi, sbsigntool, efitools, openssl, mtools, ovmf, qemu-system-x86, swtpm
# and swtpm-tools. Keys are made anew and thrown away, so everything that
# depends on them changes. Arguments are further stubs of systemd, beside the
# installed one, to boot the kernel with.
set -euo pipefail
stubs=(/usr/lib/systemd/boot/efi/linuxx64.efi.stub)
for stub; do stubs+=("$(realpath "$stub")"); done
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

efi() { # SOURCE OUTPUT: builds an EFI application without any library
	x86_64-w64-mingw32-gcc -Os -Wall -Wextra -Werror -ffreestanding -fno-asynchronous-unwind-tables \
		-fno-stack-protector -fno-ident -mno-red-zone -nostdlib -s -Wl,--subsystem,10 -Wl,-e,efi_main \
		-Wl,--major-image-version,1 -Wl,--no-insert-timestamp -Wl,--dynamicbase -o "$2" "$1"
}

sign() { # INPUT OUTPUT
	sbsign --key db.key --cert db.crt --output "$2" "$1" 2>/dev/null
}

firmware=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd

boot() { # IMAGE VARIABLES: boots the image and prints what it reports
	rm -rf machine && mkdir -p machine/tpm
	swtpm_setup --tpm2 --tpmstate "$work/machine/tpm" --pcr-banks sha384 >/dev/null
	swtpm socket --tpm2 --tpmstate dir="$work/machine/tpm" --ctrl type=unixio,path="$work/machine/tpm.sock" --terminate --daemon
	truncate -s 64M machine/esp.img
	mformat -i machine/esp.img -F ::
	mmd -i machine/esp.img ::EFI ::EFI/BOOT
	mcopy -i machine/esp.img "$1" ::EFI/BOOT/BOOTX64.EFI
	timeout 300 qemu-system-x86_64 -machine q35,smm=on -accel tcg -m 512 -display none -no-reboot -net none -monitor none \
		-global driver=cfi.pflash01,property=secure,value=on \
		-drive if=pflash,format=raw,unit=0,file=$firmware,readonly=on \
		-drive if=pflash,format=raw,unit=1,file="$2" \
		-drive format=raw,file=machine/esp.img,if=none,id=esp -device virtio-blk-pci,drive=esp,bootindex=0 \
		-chardev socket,id=tpm,path="$work/machine/tpm.sock" -tpmdev emulator,id=tpm,chardev=tpm -device tpm-tis,tpmdev=tpm \
		-serial file:machine/serial </dev/null
	tr -d '\r' <machine/serial | sed -n '/^BEGIN$/,/^END$/p;/^ENROLLED$/p'
}

cd "$work"
for name in PK KEK db other; do
	openssl req -new -x509 -newkey rsa:2048 -nodes -sha256 -days 7300 -subj "/CN=nitroattest test $name" \
		-keyout $name.key -out $name.crt 2>/dev/null
done
openssl x509 -in db.crt -outform DER -out "$here/db.der"
owner=74696e72-616f-7474-6573-742074657374
cert-to-efi-sig-list -g $owner PK.crt PK.esl
cert-to-efi-sig-list -g $owner KEK.crt KEK.esl
cert-to-efi-sig-list -g $owner db.crt db1.esl
cert-to-efi-sig-list -g 00000000-0000-0000-0000-000000000001 other.crt db0.esl
cat db0.esl db1.esl >db.esl # what verifies comes second, and in a list of its own
efi "$here/probe.c" probe.efi
hash-to-efi-sig-list probe.efi dbx.esl >/dev/null
for v in PK:PK KEK:PK db:KEK dbx:KEK; do
	sign-efi-sig-list -g $owner -k ${v#*:}.key -c ${v#*:}.crt ${v%:*} ${v%:*}.esl ${v%:*}.auth >/dev/null
done
cp PK.esl KEK.esl db.esl dbx.esl "$here"

# Stubs from 258 on want sections that are not smaller in memory than in the file.
python3 - <<'EOF'
import struct
data = bytearray(open("probe.efi", "rb").read())
pe = struct.unpack_from("<I", data, 0x3c)[0]
table = pe + 24 + struct.unpack_from("<H", data, pe + 20)[0]
for at in range(table, table + 40 * struct.unpack_from("<H", data, pe + 6)[0], 40):
    data[at + 8:at + 12] = data[at + 16:at + 20]
open("probe.efi", "wb").write(data)
EOF
sign probe.efi kernel.efi

printf 'NAME="nitroattest test image"\nID=nitroattest-test\n' >osrel
printf 'console=ttyS0' >cmdline
printf '#### LoaderInfo: systemd-stub 252 ####\0' >sdmagic

uki() { # STUB OUTPUT [MORE...]: a UKI with kernel.efi
	local base vma=()
	base=$(x86_64-w64-mingw32-objdump -p "$1" | sed -n 's/^ImageBase\s*/0x/p')
	for s in sdmagic:100000 osrel:110000 cmdline:120000 linux:130000; do
		vma+=(--change-section-vma ".${s%:*}=$((base + 0x${s#*:}))")
	done
	[ $# -eq 3 ] || vma=("${vma[@]:2}") # the stub has .sdmagic in its place
	SOURCE_DATE_EPOCH=0 x86_64-w64-mingw32-objcopy ${3:+--add-section ".sdmagic=$3"} --add-section .osrel=osrel \
		--add-section .cmdline=cmdline --add-section .linux=kernel.efi "${vma[@]}" "$1" "$2"
	truncate -s %8 "$2" # as sbsign would
}

# The probe is its own stub.
uki probe.efi standard.efi sdmagic
sign standard.efi signed.efi
# The same with 512 bytes before .linux that belong to no section, and 5 at the end.
python3 - <<'EOF'
import struct
data = bytearray(open("standard.efi", "rb").read())
pe = struct.unpack_from("<I", data, 0x3c)[0]
table = pe + 24 + struct.unpack_from("<H", data, pe + 20)[0]
for at in range(table, table + 40 * struct.unpack_from("<H", data, pe + 6)[0], 40):
    if data[at:at + 8] == b".linux\0\0":
        start, = struct.unpack_from("<I", data, at + 20)
        struct.pack_into("<I", data, at + 20, start + 512)
        data[start:start] = b"\xaa" * 512
open("gap.efi", "wb").write(data + b"extra")
EOF
cp kernel.efi standard.efi signed.efi gap.efi "$here"
chmod 644 "$here"/*.efi "$here"/*.esl

efi "$here/enroll.c" enroll.efi
cp /usr/share/OVMF/OVMF_VARS_4M.fd setup.fd
cp setup.fd secure.fd
boot enroll.efi secure.fd | grep -qx ENROLLED
boot standard.efi setup.fd >"$here/standard.log"
boot gap.efi setup.fd >"$here/gap.log"
boot signed.efi secure.fd >"$here/signed.log"
# The same kernel behind stubs of systemd.
for stub in "${stubs[@]}"; do
	version=$(grep -ao '#### LoaderInfo: systemd-stub [0-9]*' "$stub" | grep -o '[0-9]*$')
	uki "$stub" systemd.efi
	sign systemd.efi systemd.signed.efi
	boot systemd.efi setup.fd >"$here/systemd-$version.log"
	boot systemd.signed.efi secure.fd >"$here/systemd-$version.signed.log"
	sha256sum "$stub"
done
