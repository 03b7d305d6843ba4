import { z } from 'zod'
import type { ClusterRecords } from '../core/cluster.ts'
import type { Entry } from '../core/plan.ts'
import { defineStory, type Story } from '../core/story.ts'
import { say } from '../core/text.ts'
import { clockSkew } from './story/clock-skew.ts'
import { coordination } from './story/coordination.ts'
import { configDrift, versionDrift } from './story/drift.ts'
import { flapping } from './story/flapping.ts'
import { heartbeatLag } from './story/heartbeat-lag.ts'
import { leader } from './story/leader.ts'
import { memberLost } from './story/member-lost.ts'
import { overrun } from './story/overrun.ts'
import type { ClusterStoryPorts } from './story/ports.ts'
import { probeLoad } from './story/probe-load.ts'
import { staleResults } from './story/stale-results.ts'

/**
 * The watch over the cluster itself, told by its leader. What only a node without Redis or without a leader can know is
 * raised by that node, as findings of the steps `coordination` and `leader`. Whether alarms reach people is told by the
 * entry `healthz`.
 */
export function clusterEntry(given: ClusterStoryPorts): Entry {
  const ports = { ...given, records: shared(given.records) }
  const story = defineStory({
    title: say`The cluster of watchmen`,
    scope: 'cluster',
    options: z.strictObject({}),
    steps: {
      coordination: coordination(ports),
      leader: leader(ports),
      'member-lost': memberLost(ports),
      flapping: flapping(ports),
      'heartbeat-lag': heartbeatLag(ports),
      'clock-skew': clockSkew(ports),
      'config-drift': configDrift(ports),
      'version-drift': versionDrift(ports),
      'stale-results': staleResults(ports),
      overrun: overrun(ports),
      'probe-load': probeLoad(ports),
    },
  })
  const steps = Object.entries(story.steps)
  return {
    name: 'cluster',
    kind: 'cluster',
    // The engine gives the story its own options back.
    story: story as Story,
    options: {},
    tags: [],
    pace: { every: ports.every, jitter: 0 },
    policy: {
      confirm: 2,
      clear: 2,
      remindEvery: 14_400_000,
      blindAfter: 3,
      flapping: { raises: 3, window: 3_600_000, calm: 600_000 },
      steps: Object.fromEntries(steps.map(([name, { confirm }]) => [name, { confirm }])),
    },
    // A second look is worth it once the nodes have written again.
    confirmAfter: 4 * ports.timing.beat,
    steps: Object.fromEntries(steps.map(([name]) => [name, { on: true, limits: undefined }])),
    resolve: { mode: 'off', allow: [], coolDown: 0, maxAttempts: 0 },
    start: null,
    deadlines: { open: 1000, step: 5000, story: 10_000 },
    scope: 'cluster',
    spread: 'leader',
    dependsOn: [],
    role: null,
  }
}

/** Steps that ask at the same time share one answer. */
function shared(ask: () => Promise<ClusterRecords>): () => Promise<ClusterRecords> {
  let asked: Promise<ClusterRecords> | null = null
  return () => {
    asked ??= ask().finally(() => {
      asked = null
    })
    return asked
  }
}
