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
})
