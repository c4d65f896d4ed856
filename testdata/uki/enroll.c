/* Puts a machine in Setup Mode under Secure Boot with the keys it was built
 * with: dbx.auth, db.auth, KEK.auth and PK.auth of the current directory.
 *
 * Layouts: UEFI Specification 2.10, sections 4.3, 4.5 and 8.2.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef struct { u32 a; u16 b, c; u8 d[8]; } guid;

static guid global_guid = {0x8be4df61, 0x93ca, 0x11d2, {0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};
static guid database_guid = {0xd719b2cb, 0x3d3a, 0x4596, {0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f}};

#define AT(base, offset) (*(void **)((u8 *)(base) + (offset)))
#define AUTH(name) \
	__asm__(".section .rdata,\"dr\"\n" #name "_auth: .incbin \"" #name ".auth\"\n" #name "_end:\n.text"); \
	extern u8 name##_auth[], name##_end[]

AUTH(PK);
AUTH(KEK);
AUTH(db);
AUTH(dbx);

static void out(char c)
{
	__asm__ volatile("outb %0, %w1" : : "a"((u8)c), "Nd"((u16)0x3f8));
}

u64 efi_main(void *self, void *table)
{
	void *runtime = AT(table, 88);
	u64 (*set)(u16 *, guid *, u32, u64, void *) = AT(runtime, 88);
	void (*reset)(u32, u64, u64, void *) = AT(runtime, 104);
	u64 failed = 0;

	(void)self;
	/* Non-volatile, boot services, runtime, time-based authenticated. */
	failed |= set((u16 *)L"dbx", &database_guid, 0x27, dbx_end - dbx_auth, dbx_auth);
	failed |= set((u16 *)L"db", &database_guid, 0x27, db_end - db_auth, db_auth);
	failed |= set((u16 *)L"KEK", &global_guid, 0x27, KEK_end - KEK_auth, KEK_auth);
	failed |= set((u16 *)L"PK", &global_guid, 0x27, PK_end - PK_auth, PK_auth);
	for (const char *s = failed ? "\nFAILED\n" : "\nENROLLED\n"; *s; s++)
		out(*s);
	reset(2, 0, 0, 0);
	return 0;
}
