import { count, duration, milliseconds, say, z } from 'healthz'
import { step } from './target.ts'

/** All data is there, and not in one copy only. */
export const status = step({
  title: say`the cluster is green`,
  limits: z.strictObject({
    yellowMin: duration('15m').meta({ description: 'how long copies may be missing' }),
  }),
  async check({ target, limits, signal, now, note, recall, remember, problem, cannotTell }) {
    const { status, isLate, dataNodes, shards, indices } = await target.health(signal)
    if (isLate) cannotTell(say`the cluster did not find its own state in time`)
    note(say`${status}, ${count(shards.active, 'shard')} in use on ${count(dataNodes, 'data node')}`)
    const since =
      status === 'yellow' ? (recall<{ readonly since: number | null }>()?.value.since ?? now()) : null
    remember({ since })
    if (status === 'red') {
      const red = indices.filter((index) => index.status === 'red')
      problem({
        severity: 'critical',
        summary: say`the cluster is red: data of ${count(red.length, 'index', 'indices')} is missing`,
        advice: say`see the step "shards" for the reason; what is written to these indices and searched in them fails or is incomplete`,
        evidence: { status, redIndices: red.length, unassignedShards: shards.unassigned },
      })
    }
    if (since === null) return
    if (dataNodes === 1)
      return note(say`yellow is all that a single data node can be while its indices ask for copies`)
    const age = now() - since
    if (age < limits.yellowMin) return note(say`yellow for ${milliseconds(age)}`)
    problem({
      severity: 'warning',
      // It has lasted for minutes.
      confirm: 1,
      summary: say`the cluster has been yellow for ${milliseconds(age)} (limit ${milliseconds(limits.yellowMin)}): ${count(shards.unassigned, 'copy', 'copies')} missing, so that the next node to fail takes data with it`,
      advice: say`bring back the node that left; the step "shards" says why the copies are not made elsewhere`,
      evidence: { status, unassignedShards: shards.unassigned, since },
    })
  },
})
