import { spawnSync } from 'node:child_process'

/** Arguments of unshare (util-linux) for a world whose processes and mounts end with its first process. */
export const OWN_WORLD: readonly string[] = [
  ...['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ...['sh', '-c'],
]

/** In such a world: makes the control groups writable where this machine has them mounted read-only. */
export const WRITABLE_GROUPS =
  'for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,bind,rw "$tree" 2>/dev/null; done'

/** Why this machine cannot run containers of its own, whatever is installed; null if it can. */
export function whyNoContainers(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs root on Linux'
  const { status } = spawnSync('unshare', [...OWN_WORLD, TRIAL], { stdio: 'ignore', timeout: 10_000 })
  return status === 0 ? null : 'it needs a kernel that gives root namespaces and control groups of its own'
}

/** Version 1 of control groups, or version 2. */
const TRIAL = `mount -t tmpfs tmpfs /run || exit
${WRITABLE_GROUPS}
test -w /sys/fs/cgroup/memory || test -w /sys/fs/cgroup/cgroup.procs`
