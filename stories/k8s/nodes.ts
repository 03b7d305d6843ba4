import { duration, milliseconds, type Problem, say, tellSome, z } from 'healthz'
import { conditionOf, type Node, nodeShape } from './objects.ts'
import { step } from './target.ts'

/** Every node takes pods. One that a person has cordoned is left to that person. */
export const nodes = step({
  title: say`every node is ready and has room`,
  limits: z.strictObject({ after: duration('5m') }),
  async check({ target, limits, signal, note, problem }) {
    const { items, at } = await target.api.list(
      { group: '/api/v1', resource: 'nodes', namespace: null },
      nodeShape,
      signal,
    )
    const cordoned = items.filter(({ isCordoned }) => isCordoned)
    const ready = items.filter(({ conditions }) => conditionOf(conditions, 'Ready')?.status === 'True')
    note(say`${ready.length} of ${items.length} nodes are ready`)
    if (cordoned.length > 0) note(say`cordoned: ${cordoned.slice(0, 10).map(({ name }) => name)}`)
    const judged = items.filter(({ isCordoned }) => !isCordoned)
    tellSome(
      judged.flatMap((node) => faultsOf(node, at, limits.after)),
      problem,
    )
  },
})

function faultsOf({ name, conditions }: Node, at: number, after: number): readonly Problem[] {
  const ready = conditionOf(conditions, 'Ready')
  if (ready?.status !== 'True') {
    const age = ready?.since == null ? null : at - ready.since
    if (age !== null && age < after) return []
    const times = age === null ? say`ever` : say`${milliseconds(age)} (limit ${milliseconds(after)})`
    return [
      {
        key: name,
        severity: 'critical',
        confirm: 1,
        summary:
          ready?.status === 'Unknown'
            ? say`nothing was heard of node ${name} for ${times}`
            : say`node ${name} has not been ready for ${times}: ${ready?.reason || 'Ready'}`,
        advice: say`look whether its host is up and its kubelet runs (systemctl status kubelet); kubectl describe node ${name} says more`,
        evidence: { node: name, reason: ready?.reason ?? null, since: ready?.since ?? null },
      },
    ]
  }
  return conditions
    .filter(({ type, status }) => pressures.has(type) && status === 'True')
    .map(({ type, since }) => ({
      key: `${name} ${type}`,
      severity: 'warning' as const,
      summary: say`node ${name} reports ${type}${since === null ? '' : say` for ${milliseconds(Math.max(0, at - since))}`}`,
      advice: say`it will turn pods out soon: find what uses its memory, disk or process ids (kubectl describe node ${name}), or add a node`,
      evidence: { node: name, condition: type, since },
    }))
}

const pressures = new Set(['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'])
