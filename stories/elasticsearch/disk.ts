import { bytes, type Problem, percent, say, type Text } from 'healthz'
import type { Disk, Node } from './node-stats.ts'
import type { Settings } from './settings.ts'
import { step } from './target.ts'
import { tellAll } from './tell-all.ts'
import { type Stage, type Watermark, watermarkOf } from './watermark.ts'

/** Every node has disk left, by the cluster's own watermarks. */
export const disk = step({
  title: say`no disk is above a watermark`,
  async check({ target, signal, note, grade, problem, cannotTell }) {
    const found: Problem[] = []
    const [{ nodes }, settings] = await Promise.all([target.stats(signal), target.settings(signal)])
    const holders = nodes.filter(({ holdsData }) => holdsData)
    const blank: string[] = []
    for (const node of holders) {
      const fullest = fullestOf(node, settings)
      if (fullest === null) {
        blank.push(node.name)
        continue
      }
      const { disk, low, high, flood } = fullest
      const used = (1 - disk.free / disk.total) * 100
      note(say`${node.name}: ${bytes(disk.free)} left, ${percent(used)} used`)
      const limits = { warning: low?.free, critical: (high ?? flood).free, below: true }
      const severity = grade(disk.free, limits, node.name)
      if (severity === null) continue
      found.push({
        key: node.name,
        severity,
        summary: summaryOf(node.name, severity, fullest),
        advice: say`delete or move old indices, see that their lifecycle policies run, or add disk or nodes`,
        evidence: { node: node.name, free: disk.free, total: disk.total, used },
      })
    }
    tellAll(found, { problem, note })
    if (holders.length === 0) cannotTell(say`no node says that it holds data`)
    if (blank.length > 0) cannotTell(say`the disks or the watermarks of these nodes are not told: ${blank}`)
  },
})

type Severity = Problem['severity']

interface Fullest {
  readonly disk: Disk
  readonly low: Watermark | null
  readonly high: Watermark | null
  readonly flood: Watermark
}

function summaryOf(name: string, severity: Severity, { disk, low, high, flood }: Fullest): Text {
  const { free, total } = disk
  const left = say`node ${name} has ${bytes(free)} of disk left (${percent((1 - free / total) * 100)} used)`
  if (free < flood.free)
    return say`${left}, past the flood stage (${flood.set}): its indices are made read-only`
  return severity === 'critical'
    ? say`${left}, past the high watermark (${(high ?? flood).set}): shards are moved away from it`
    : say`${left}, past the low watermark (${(low ?? flood).set}): it takes no new copies`
}

/** Of the node's disks the one that is nearest to its flood stage; null where one of them cannot be told. */
function fullestOf({ disks, isFrozen }: Node, settings: Settings): Fullest | null {
  const of = (stage: Stage, { total }: Disk) => watermarkOf(settings, stage, total)
  const found = disks.map((disk) => {
    const [low, high] = isFrozen ? [null, null] : [of('low', disk), of('high', disk)]
    const flood = of(isFrozen ? 'flood_stage.frozen' : 'flood_stage', disk)
    return flood === null || (!isFrozen && (low === null || high === null))
      ? null
      : { disk, low, high, flood }
  })
  const told = found.filter((disk) => disk !== null)
  if (told.length < found.length) return null
  return told.toSorted((a, b) => a.disk.free - a.flood.free - (b.disk.free - b.flood.free))[0] ?? null
}

/** The names of the nodes that hold data and are past the high watermark, or whose disk is not told. */
export function nodesWithoutRoom(nodes: readonly Node[], settings: Settings): readonly string[] {
  const short = nodes.filter((node) => {
    if (!node.holdsData) return false
    const fullest = fullestOf(node, settings)
    return fullest === null || fullest.disk.free < (fullest.high ?? fullest.flood).free
  })
  return short.map(({ name }) => name)
}
