// Package rootfs turns a container image into the two ramdisks of an enclave, and
// computes the registers with them. It does so without Docker, and the ramdisks are
// those that nitro-cli build-enclave makes, byte for byte.
//
//	file, size := ... // what docker save wrote, or an OCI image layout
//	set, err := rootfs.Ramdisks(file, size, rootfs.Boot{Init: init, NSM: nsm})
//	if err != nil {
//		return err // errors.Is(err, rootfs.DigestMismatch) tells why
//	}
//	defer set.Close()
//	bank, err := set.Measure(kernel, commandLine) // PCR0, PCR1 and PCR2
//
// So whoever can build the container image again can tell whether an enclave
// runs it: that needs no enclave image file of somebody else.
//
// # What nitro-cli does
//
// The boot ramdisk holds the directory dev and AWS's files init and nsm.ko. It
// depends on nothing else.
//
// The application ramdisk is made by Docker and linuxkit together. Docker
// makes a container of the image, without starting it, and exports its file
// system; linuxkit turns that into a ramdisk. On the way
//
//   - the layers are put over each other as overlay file systems show them:
//     whiteouts, opaque directories, files that become directories;
//   - Docker removes and makes anew .dockerenv, dev/console, etc/hostname,
//     etc/hosts, etc/resolv.conf and etc/mtab, and makes the directories that
//     containers need, in place of links if need be;
//   - linuxkit drops .dockerenv, Dockerfile, dev/console and etc/hostname,
//     writes an etc/hosts of its own, makes a link of etc/resolv.conf, and makes
//     a symbolic link of every hard link but the first name of a file;
//   - everything goes below rootfs/, in the byte order of the names in each
//     directory, and after it come some directories once more and the files
//     cmd and env: Cmd, or Entrypoint if there is no Cmd, and Env, an element a
//     line. Cmd is not put after Entrypoint, as it would be in a container.
//
// Names, owners, modes and times to the second reach the ramdisk. Extended
// attributes, and so file capabilities, do not: [XattrDropped] warns of them.
// Neither do tags, labels, the history, User or the order of entries in layers.
//
// # What is not reproducible
//
// Some images have another ramdisk each time they are built, or with every
// version of Docker, and so no registers that anybody could compute from them.
// They are refused, with a [Reason] for which [Reason.Irreproducible] is true:
// a layer with files in a directory that it has no entry for, whose time is then
// that of unpacking ([MissingParent]); a WorkingDir that is not in the image
// ([WorkingDirMissing]); and others. Change the image, with COPY of whole
// directories or RUN mkdir.
//
// With [Config.InsecureAllowIrreproducible] they are measured with a warning.
// What differs between versions is then as Docker 29 has it: with the storage
// driver overlay2 for [EmptyCommand], [LinkTime] and [LinkedLinkTime], with
// containerd's store for [DuplicatePath]. What depends on the clock gets the
// time 2017-04-18T16:30:00Z, which AWS's builder writes in its own entries: no
// other builder makes the same ramdisk, but this package always does.
//
// # What is checked
//
// Manifests, configuration and layers are checked against the digests that
// refer to them, and every layer, unpacked, against its diff ID. In what docker
// save writes nothing but the name refers to the configuration; compare
// [Set.ImageID]. Where an archive can be read in two ways, through index.json
// and through manifest.json, both have to lead to the same image. Numbers,
// names and links that a file system or ramdisk cannot hold are refused, and so
// is every name that leads out of the image. Nothing is written but an unnamed
// temporary file, with the contents of files from compressed layers.
//
// # How sure this is
//
// Observed: the order, the names, headers, modes, times, links and contents
// were compared with the ramdisks that linuxkit, with AWS's patches and
// nitro-cli's flags, made from Docker 20.10, 25 and 29; see testdata/rootfs. The
// digests of boot ramdisks of AWS's own init and nsm.ko are known from there,
// too. An enclave image file made with this package and pcr/eif booted in
// QEMU's Nitro machine under AWS's init.
//
// Only read, in the source of nitro-cli: that Cmd makes it ignore Entrypoint,
// what it does without either, which architectures it takes, and that it trims
// the command line. nitro-cli itself was not run, and no registers published by
// AWS were at hand to compare with. Docker's storage drivers btrfs, zfs and
// fuse-overlayfs and rootless Docker were not tried. Guessed: that names above
// 255 bytes and paths above 4095 fail on the machine that builds.
//
// # Dependencies
//
// Reading the image format takes some JSON and a tar archive, which the
// standard library reads; the libraries for it bring clients for registries
// with them. Flattening layers is measurement, and ours: the usual function for
// it ignores opaque directories, so that deleted files come back. zstd is ours
// for another reason, see internal/zstd.
//
// Sources: the OCI image specification 1.1; nitro-cli and its enclave_build;
// linuxkit v1.5.2 with the patches of aws-nitro-enclaves-sdk-bootstrap, as used
// for the blobs of nitro-cli from 2024-10 to 1.5.0.
package rootfs
