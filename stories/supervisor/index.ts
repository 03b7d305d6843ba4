import { defineStory, say } from 'healthz'
import { backoff } from './backoff.ts'
import { drift } from './drift.ts'
import { exited } from './exited.ts'
import { fatal } from './fatal.ts'
import { flapping } from './flapping.ts'
import { missing } from './missing.ts'
import { resources } from './resources.ts'
import { stopped } from './stopped.ts'
import { stuck } from './stuck.ts'
import { openSupervisor, options } from './target.ts'

/** Supervisord and the programs that it keeps running. */
export default defineStory({
  title: say`Supervisor`,
  scope: 'node',
  options,
  open: ({ options, signal }) => openSupervisor(options, signal),
  steps: { fatal, exited, backoff, flapping, stopped, stuck, missing, drift, resources },
})
