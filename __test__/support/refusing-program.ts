/** A program in C that starts another one under a filter of system calls (seccomp). */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll } from '@jest/globals';

import { report } from './outcomes';

/** The arguments: the call to refuse with EPERM, and the command line. */
const SOURCE = `
  #include <errno.h>
  #include <linux/filter.h>
  #include <linux/seccomp.h>
  #include <stddef.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/prctl.h>
  #include <sys/syscall.h>
  #include <unistd.h>

  int main(int argc, char **argv) {
    unsigned number = strcmp(argv[1], "timerfd_create") == 0 ? SYS_timerfd_create : SYS_timerfd_settime;
    struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) {
      execvp(argv[2], argv + 2);
    }
    perror("refuse");
    return 126;
  }
`;

/**
 * Compiles the program before the tests of a file. Returns how to get its path: undefined without a C compiler, and
 * where the kernel has no such filters.
 */
export function refusingProgram(): () => string | undefined {
  let directory: string;
  let path: string | undefined;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
    writeFileSync(join(directory, 'refuse.c'), SOURCE);
    const program = join(directory, 'refuse');
    const built = spawnSync('cc', ['-o', program, join(directory, 'refuse.c')]);
    if (built.status !== 0) {
      report(`skipped, no C compiler here: ${built.error?.message ?? String(built.stderr)}`);
      return;
    }
    const tried = spawnSync(program, ['timerfd_create', 'true']);
    if (tried.status === 0) {
      path = program;
    } else {
      report(`skipped, no filters of system calls here: ${String(tried.stderr)}`);
    }
  });

  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  return () => path;
}
