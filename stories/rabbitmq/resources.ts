import { bytes, duration, type Problem, percent, type StepContext, say, type Text, z } from 'healthz'
import { isStarting } from './grace.ts'
import type { Node, Use } from './nodes-read.ts'
import { step } from './target.ts'

const limits = z.strictObject({
  warnPct: z.number().default(80),
  critPct: z.number().default(90),
  diskTimes: z.number().meta({ description: 'how many times its limit the free disk must be' }).default(2),
  grace: duration('2m'),
})

type Limits = z.output<typeof limits>
type Grade = StepContext['grade']

/** Every node has room left before an alarm stops the publishers. */
export const resources = step({
  title: say`every node has room left`,
  limits,
  async check(context) {
    const { target, limits, signal, grade, problem, cannotTell } = context
    const [nodes, starting] = await Promise.all([target.nodes(signal), isStarting(context)])
    if (starting) return
    const running = nodes.filter(({ isRunning }) => isRunning)
    for (const node of running) {
      const shortages = resourcesOf(node).map((resource) => shortage(node, resource, limits, grade))
      const found = [...shortages, diskShortage(node, limits, grade)]
      for (const shortage of found) if (shortage !== null) problem(shortage)
    }
    const blank = running.flatMap(unknownOf)
    if (blank.length > 0) cannotTell(say`the broker does not yet know: ${blank}`)
  },
})

interface Resource {
  readonly id: string
  readonly use: Use
  readonly name: Text
  readonly unit: (value: number) => ReturnType<typeof bytes> | number
  readonly advice: Text
}

function resourcesOf(node: Node): readonly Resource[] {
  const plain = (value: number) => value
  return [
    {
      id: 'memory',
      use: node.memory,
      name: say`memory`,
      unit: bytes,
      advice: say`let the queues be worked off, or give the node more memory: at the limit it stops every publisher`,
    },
    {
      id: 'files',
      use: node.files,
      name: say`file descriptors`,
      unit: plain,
      advice: say`raise LimitNOFILE (ulimit -n) of the node, or find the client that opens too many connections`,
    },
    {
      id: 'sockets',
      use: node.sockets,
      name: say`sockets`,
      unit: plain,
      advice: say`find the client that opens too many connections, or raise LimitNOFILE (ulimit -n) of the node`,
    },
    {
      id: 'processes',
      use: node.processes,
      name: say`processes inside the broker`,
      unit: plain,
      advice: say`find the client that opens too many connections, channels or queues`,
    },
  ]
}

function shortage(node: Node, resource: Resource, limits: Limits, grade: Grade): Problem | null {
  const { id, name, unit, advice } = resource
  const { used, limit } = resource.use
  if (used === null || limit === null || limit <= 0) return null
  const key = `${id} ${node.name}`
  const share = (used / limit) * 100
  const severity = grade(share, { warning: limits.warnPct, critical: limits.critPct }, key)
  if (severity === null) return null
  const most = percent(severity === 'critical' ? limits.critPct : limits.warnPct)
  return {
    key,
    severity,
    summary: say`node ${node.name} uses ${percent(share)} of its ${name} (${unit(used)} of ${unit(limit)}, limit ${most})`,
    advice,
    evidence: { node: node.name, resource: id, used, limit, share },
  }
}

function diskShortage({ name, disk: { free, limit } }: Node, limits: Limits, grade: Grade): Problem | null {
  if (free === null || limit === null) return null
  const enough = limit * limits.diskTimes
  if (grade(free, { warning: enough, below: true }, `disk ${name}`) === null) return null
  return {
    key: `disk ${name}`,
    severity: 'warning',
    summary: say`node ${name} has ${bytes(free)} of disk left; at ${bytes(limit)} it stops every publisher (warned of below ${bytes(enough)})`,
    advice: say`free disk space on the node, or let the queues be worked off`,
    evidence: { node: name, resource: 'disk', free, limit },
  }
}

/** From version 4 on there is no limit of sockets any more, so that one may be missing. */
function unknownOf(node: Node): readonly Text[] {
  const needed = resourcesOf(node).filter(({ id }) => id !== 'sockets')
  const blank = needed.filter(({ use }) => use.used === null || use.limit === null)
  const names = blank.map(({ name }) => say`${name} of ${node.name}`)
  const isDiskKnown = node.disk.free !== null && node.disk.limit !== null
  return isDiskKnown ? names : [...names, say`free disk of ${node.name}`]
}
