// Describes the tiles of Intel's AMX to programs in a virtual machine that hides the description.
//
// A CPU says in leaf 1D of its CPUID instruction how many tiles it has and how large they are
// (Intel, "Software Developer's Manual", volume 2, CPUID). Some virtual machines announce AMX and
// let it work, but answer this leaf with zeros; a library that believes them loads a tile
// configuration of nothing and dies at the first tile instruction. Loaded before a program
// (LD_PRELOAD), this makes CPUID trap (arch_prctl(2), ARCH_CPUID) and answers with what every CPU
// with AMX has: palette 1, eight tiles of 16 rows of 64 bytes. Everything else stays as it was.

#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012 /* asm/prctl.h */

enum { TILE_LEAF = 0x1d, MULTIPLIER_LEAF = 0x1e };

static void let_cpuid_work(int allowed) { syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed); }

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *instruction = (const uint8_t *)registers[REG_RIP];
    if (instruction[0] != 0x0f || instruction[1] != 0xa2) { /* not CPUID: a true fault, again */
        signal(number, SIG_DFL);
        return;
    }
    uint32_t leaf = registers[REG_RAX], part = registers[REG_RCX], a, b, c, d;
    let_cpuid_work(1);
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(part));
    let_cpuid_work(0);
    if (leaf == TILE_LEAF && part == 0 && a == 0) {
        a = 1; /* the highest palette */
    } else if (leaf == TILE_LEAF && part == 1 && a == 0) {
        a = 1024u << 16 | 8192; /* bytes of a tile, of all */
        b = 8u << 16 | 64;      /* tiles, bytes of a row */
        c = 16;                 /* rows */
    } else if (leaf == MULTIPLIER_LEAF && part == 0 && b == 0) {
        b = 64u << 8 | 16; /* widest and deepest product */
    }
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
    (void)info;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, 0);
    let_cpuid_work(0);
}
