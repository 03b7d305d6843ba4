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
})
