/* A unified kernel image that reports what the firmware measured.
 *
 * One program is both the stub and the kernel. If its image has a .linux
 * section and Secure Boot is off, it starts what the section holds with
 * LoadImage and StartImage, as systemd-stub 252 to 257 does. Otherwise it is
 * the end of the chain: it writes the SHA-384 registers and the event log to
 * the first serial port and switches the machine off.
 *
 * Layouts: UEFI Specification 2.10, sections 4.3 to 4.5 and 9.1; TCG EFI
 * Protocol Specification family 2.0, section 6; TPM 2.0 Library part 3,
 * section 22.4.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef struct { u32 a; u16 b, c; u8 d[8]; } guid;

static guid loaded_image_guid = {0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static guid tcg2_guid = {0x607f766c, 0x7455, 0x42be, {0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f}};
static guid global_guid = {0x8be4df61, 0x93ca, 0x11d2, {0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};

/* A member of one of the firmware's tables. */
#define AT(base, offset) (*(void **)((u8 *)(base) + (offset)))

static void out(char c)
{
	u8 ready = 0;
	while (!(ready & 0x20))
		__asm__ volatile("inb %w1, %0" : "=a"(ready) : "Nd"((u16)0x3fd));
	__asm__ volatile("outb %0, %w1" : : "a"((u8)c), "Nd"((u16)0x3f8));
}

static void text(const char *s)
{
	while (*s)
		out(*s++);
}

static void hex(const u8 *p, u64 n)
{
	while (n--) {
		out("0123456789abcdef"[*p >> 4]);
		out("0123456789abcdef"[*p++ & 15]);
	}
}

static void registers(void *tcg2)
{
	u64 (*submit)(void *, u32, u8 *, u32, u8 *) = AT(tcg2, 24);

	for (int i = 0; i < 24; i++) {
		u8 request[20] = {0x80, 1, 0, 0, 0, 20, 0, 0, 1, 0x7e, 0, 0, 0, 1, 0, 0x0c, 3};
		u8 response[128] = {0};

		request[17 + i / 8] = 1 << i % 8;
		if (submit(tcg2, sizeof request, request, sizeof response, response) || response[29] != 48)
			continue;
		text("PCR ");
		out('0' + i / 10);
		out('0' + i % 10);
		out(' ');
		hex(response + 30, 48);
		text("\n");
	}
}

static void event_log(void *tcg2)
{
	u64 (*get)(void *, u32, u64 *, u64 *, u8 *) = AT(tcg2, 8);
	u64 first = 0, last = 0;
	u8 truncated;

	if (get(tcg2, 2, &first, &last, &truncated) || !first)
		return;
	/* Each event is PCR, type, digest count, {algorithm, digest}..., size, data. */
	for (u8 *event = (u8 *)first + 32 + *(u32 *)(first + 28); event <= (u8 *)last;) {
		u8 *p = event + 12;

		for (u32 n = *(u32 *)(event + 8); n; n--)
			p += *(u16 *)p == 0x0b ? 34 : *(u16 *)p == 0x0c ? 50 : *(u16 *)p == 0x0d ? 66 : 22;
		p += 4 + *(u32 *)p;
		text("EVENT ");
		hex(event, p - event);
		text("\n");
		event = p;
	}
}

static void linux_section(u8 *base, u8 **start, u32 *size)
{
	u8 *pe, *section;

	if (*(u16 *)base != 0x5a4d) /* a stub that loads its kernel without the headers */
		return;
	pe = base + *(u32 *)(base + 0x3c);
	section = pe + 24 + *(u16 *)(pe + 20);
	for (int i = *(u16 *)(pe + 6); i--; section += 40)
		if (*(u64 *)section == 0x00000078756e696c2eULL) { /* ".linux" */
			*start = base + *(u32 *)(section + 12);
			*size = *(u32 *)(section + 8);
		}
}

u64 efi_main(void *self, void *table)
{
	void *boot = AT(table, 96), *runtime = AT(table, 88), *image = 0, *tcg2 = 0, *kernel = 0;
	u64 (*protocol)(void *, guid *, void **) = AT(boot, 152);
	u64 (*load)(u8, void *, void *, void *, u64, void **) = AT(boot, 200);
	u64 (*start)(void *, u64 *, u16 **) = AT(boot, 208);
	u64 (*locate)(guid *, void *, void **) = AT(boot, 320);
	u64 (*variable)(u16 *, guid *, u32 *, u64 *, void *) = AT(runtime, 72);
	void (*reset)(u32, u64, u64, void *) = AT(runtime, 104);
	u8 *section = 0, secure_boot = 0;
	u32 size = 0;
	u64 one = 1;

	variable((u16 *)L"SecureBoot", &global_guid, 0, &one, &secure_boot);
	if (!protocol(self, &loaded_image_guid, &image))
		linux_section(AT(image, 64), &section, &size);
	if (section && !secure_boot && !load(0, self, AT(image, 32), section, size, &kernel))
		start(kernel, 0, 0);

	text("\nBEGIN\n");
	if (!locate(&tcg2_guid, 0, &tcg2)) {
		registers(tcg2);
		event_log(tcg2);
	}
	text("END\n");
	reset(2, 0, 0, 0);
	return 0;
}
