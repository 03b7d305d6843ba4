import { defineStory, say } from 'healthz'
import { clockSync } from './clock-sync.ts'
import { disk } from './disk.ts'
import { diskFill } from './disk-fill.ts'
import { dstate } from './dstate.ts'
import { fd } from './fd.ts'
import { fsReadonly } from './fs-readonly.ts'
import { inode } from './inode.ts'
import { load } from './load.ts'
import { memory } from './memory.ts'
import { netErrors } from './net-errors.ts'
import { oom } from './oom.ts'
import { reboot } from './reboot.ts'
import { swap } from './swap.ts'
import { openHost, options } from './target.ts'
import { zombies } from './zombies.ts'

/** The host that the watchman runs on. */
export default defineStory({
  title: say`Host`,
  scope: 'node',
  options,
  open: ({ options }) => openHost(options),
  steps: {
    disk,
    inode,
    'disk-fill': diskFill,
    'fs-readonly': fsReadonly,
    memory,
    swap,
    oom,
    load,
    fd,
    'clock-sync': clockSync,
    zombies,
    dstate,
    'net-errors': netErrors,
    reboot,
  },
  guide: {
    example: `- story: host
  with:
    mounts: [/mnt/backup]
    cleanups:
      - {mount: /var, name: vacuum the journal, command: [journalctl, --vacuum-size=500M]}
  steps:
    disk: {warnFreePct: 15}`,
    rights: `# None. Where /proc is mounted with hidepid, the steps about other users' processes are unknown, unless the
# watchman's user is in the group that may see them (mount option gid=). In a container, mount the host's own:
#   docker run -v /proc:/host/proc:ro -v /:/host/root:ro ...   with: {proc: /host/proc, root: /host/root}
# The cures run commands: a cleanup as this user, and chronyc makestep, which only root may ask for.`,
  },
})
