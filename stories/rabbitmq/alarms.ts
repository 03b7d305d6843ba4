import { bytes, say, type Text, z } from 'healthz'
import type { Node } from './nodes-read.ts'
import { nodesIfTold, step } from './target.ts'

/** No resource alarm is on: one stops every publisher in the cluster. */
export const alarms = step({
  title: say`no alarm stops the publishers`,
  confirm: 1,
  async check({ target, signal, problem }) {
    // Asked here, because the nodes' own figures tell of an alarm later.
    const failed = await target.api.check('/api/health/checks/alarms', alarmsShape, signal)
    if (failed === null) return
    // The alarm stands without the figures.
    const nodes = await nodesIfTold(target, signal)
    for (const { node, resource } of failed.alarms) {
      const found = nodes.find(({ name }) => name === node)
      problem({
        key: `${resource} ${node}`,
        severity: 'critical',
        summary: say`every publisher is stopped: ${reasonOf(resource, node, found)}`,
        advice: resource === 'memory' ? drain : resource === 'disk space' ? makeRoom : look,
        evidence: {
          node,
          resource,
          memoryUsed: found?.memory.used ?? null,
          memoryLimit: found?.memory.limit ?? null,
          diskFree: found?.disk.free ?? null,
          diskLimit: found?.disk.limit ?? null,
        },
      })
    }
  },
})

const alarmsShape = z.looseObject({
  alarms: z.array(z.looseObject({ node: z.string(), resource: z.string() })),
})

/** The figures follow an alarm by some seconds: those that do not explain it yet are left out. */
function reasonOf(resource: string, name: string, node: Node | undefined): Text {
  if (resource === 'memory') {
    const { used, limit } = node?.memory ?? {}
    if (used == null || limit == null || used < limit) return say`node ${name} uses too much memory`
    return say`node ${name} uses too much memory (${bytes(used)}, limit ${bytes(limit)})`
  }
  if (resource === 'disk space') {
    const { free, limit } = node?.disk ?? {}
    if (free == null || limit == null || free > limit) return say`node ${name} has too little disk left`
    return say`node ${name} has too little disk left (${bytes(free)}, limit ${bytes(limit)})`
  }
  return say`node ${name} has an alarm for ${resource}`
}

const drain = say`let the queues be worked off: start consumers, or find out what fills them; give the node more memory if it needs it in normal times`
const makeRoom = say`free disk space on the node, or let the queues be worked off`
const look = say`look into the log of the node`
