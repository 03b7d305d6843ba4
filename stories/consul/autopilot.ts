import { count, say, z } from 'healthz'
import { step } from './target.ts'

/** Every server is healthy, and one of them may fail. */
export const autopilot = step({
  title: say`every server is healthy, and one may fail`,
  async check({ target, signal, note, problem, cannotTell }) {
    // An unhealthy cluster answers with a status of 429, and with the same content.
    const health = await target.get('/v1/operator/autopilot/health', healthShape, 'operator:read', signal)
    const servers = health.Servers ?? []
    // It calls itself unhealthy until then.
    if (servers.length === 0) cannotTell(say`the leader is new, and has not looked at the servers yet`)
    const voters = servers.filter(({ Voter }) => Voter !== false)
    note(say`${count(voters.length, 'voting server')}, ${health.FailureTolerance} may fail`)
    const sick = servers.filter(({ Healthy }) => !Healthy)
    if (!health.Healthy) {
      problem({
        key: 'unhealthy',
        severity: 'warning',
        summary: say`servers are not healthy: ${sick.map(({ Name, SerfStatus }) => say`${Name} (${SerfStatus ?? 'unknown'})`)}`,
        advice: say`see in the log of the server why; one that is slow to answer needs faster disks or a nearer network`,
        evidence: { servers: sick.map(({ Name }) => Name).join(', '), tolerance: health.FailureTolerance },
      })
    }
    // A single server was never meant to outlive a failure.
    if (health.FailureTolerance > 0 || voters.length < 2) return
    problem({
      key: 'tolerance',
      severity: 'warning',
      summary: say`of ${count(voters.length, 'voting server')} no further one may fail: then nothing can be written`,
      advice: say`bring back the server that is missing, or add one: three outlive the loss of one, five that of two`,
      evidence: { voters: voters.length, tolerance: health.FailureTolerance },
    })
  },
})

const healthShape = z.looseObject({
  Healthy: z.boolean(),
  FailureTolerance: z.number(),
  Servers: z
    .array(
      z.looseObject({
        Name: z.string(),
        Healthy: z.boolean(),
        SerfStatus: z.string().nullish(),
        Voter: z.boolean().nullish(),
      }),
    )
    .nullish(),
})
