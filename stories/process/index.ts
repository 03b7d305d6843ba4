import { defineStory, say } from 'healthz'
import { deleted } from './deleted.ts'
import { fd } from './descriptors.ts'
import { flapping } from './flapping.ts'
import { memory } from './memory.ts'
import { pidfile } from './pidfile.ts'
import { port } from './port.ts'
import { running } from './running.ts'
import { state } from './state.ts'
import { options, watch } from './target.ts'
import { unit } from './unit.ts'

/** Processes of this host; without options, the watchman's own. */
export default defineStory({
  title: say`Processes`,
  scope: 'node',
  options,
  open: ({ options }) => watch(options),
  steps: { running, pidfile, unit, flapping, fd, memory, state, deleted, port },
  guide: {
    example: `- story: process
  name: nginx
  with:
    unit: nginx.service
    port: 80
# What no unit keeps:
- story: process
  name: importer
  with:
    pattern: ^/usr/bin/python3 /srv/importer
    user: importer
    start: [/srv/importer/start]`,
    rights: `# None to see that processes run. File descriptors, the program file and who listens on a port are shown to root
# and to the same user only; otherwise these steps are unknown. In a unit of systemd for the watchman:
AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
# For the cures: a rule of polkit for the units (org.freedesktop.systemd1.manage-units), and CAP_KILL for SIGCONT.`,
  },
})
