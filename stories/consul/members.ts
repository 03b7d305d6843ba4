import { count, duration, milliseconds, type Problem, say, tellSome, z } from 'healthz'
import { lasting } from './lasting.ts'
import { step } from './target.ts'

/** No node of the cluster has failed. One that left by itself is gone on purpose. */
export const members = step({
  title: say`no member has failed`,
  limits: z.strictObject({ after: duration('10m') }),
  // It has lasted for minutes.
  confirm: 1,
  async check(context) {
    const { target, limits, signal, note, problem, cannotTell } = context
    const all = await target.get('/v1/agent/members', membersShape, 'node:read', signal)
    // The agent itself is always a member: who sees nobody is not allowed to see.
    if (all.length === 0) cannotTell(say`the token lacks the right ${'node:read'}`)
    const failed = all.filter(({ Status }) => Status === failedStatus)
    const ageOf = lasting(
      failed.map(({ Name }) => Name),
      context,
    )
    note(say`${count(all.length, 'member')}, ${failed.length} failed`)
    tellSome(
      failed
        .filter(({ Name }) => ageOf(Name) >= limits.after)
        .map(
          ({ Name, Addr }): Problem => ({
            key: Name,
            severity: 'warning',
            summary: say`the member ${Name} (${Addr}) has been failed for ${milliseconds(ageOf(Name))} (limit ${milliseconds(limits.after)})`,
            advice: say`start its agent, or look at the network to it (port 8301, TCP and UDP); if the host is gone for good: consul force-leave ${Name}`,
            evidence: { member: Name, address: Addr },
          }),
        ),
      problem,
    )
  },
})

/** As Serf numbers them: 1 alive, 2 leaving, 3 left, 4 failed. */
const failedStatus = 4

const membersShape = z.array(z.looseObject({ Name: z.string(), Addr: z.string(), Status: z.number() }))
