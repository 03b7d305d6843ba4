import { count, duration, milliseconds, type Problem, say, tellSome, z } from 'healthz'
import { lasting } from './lasting.ts'
import { step } from './target.ts'

/** No check stays critical. What a person put into maintenance is left out, and what the step `members` tells. */
export const checks = step({
  title: say`no check stays critical`,
  limits: z.strictObject({
    after: duration('5m'),
    ignore: z
      .array(z.string().min(1))
      .meta({ description: 'services whose checks are left out' })
      .default([]),
  }),
  // It has lasted for minutes.
  confirm: 1,
  async check(context) {
    const { target, limits, signal, note, problem } = context
    const all = await target.get('/v1/health/state/critical', checksShape, right, signal)
    const critical = all.filter(
      ({ CheckID, ServiceName }) => !isToldElsewhere(CheckID) && !limits.ignore.includes(ServiceName ?? ''),
    )
    const ageOf = lasting(critical.map(idOf), context)
    note(say`${count(critical.length, 'critical check')}`)
    const old = critical.filter((check) => ageOf(idOf(check)) >= limits.after)
    const byService = Map.groupBy(old, ({ ServiceName, Node }) => ServiceName || `node ${Node}`)
    tellSome(
      [...byService].map(([name, found]): Problem => {
        const longest = Math.max(...found.map((check) => ageOf(idOf(check))))
        return {
          key: name,
          severity: 'warning',
          summary: say`${name} has ${count(found.length, 'check that stays critical', 'checks that stay critical')}, for ${milliseconds(longest)} (limit ${milliseconds(limits.after)}): ${found.slice(0, 5).map(({ Name, Node }) => say`${Name} on ${Node}`)}`,
          advice: say`what the check says: ${excerpt(found[0]?.Output)}`,
          evidence: {
            service: name,
            checks: found
              .map(({ CheckID }) => CheckID)
              .slice(0, 10)
              .join(', '),
          },
        }
      }),
      problem,
    )
    await target.mustSee(right, signal)
  },
})

const right = 'node:read, service:read'

/** Each node has a check of its agent beside its own. */
const isToldElsewhere = (id: string) => id === 'serfHealth' || /^_(service|node)_maintenance/.test(id)

const checksShape = z.array(
  z.looseObject({
    Node: z.string(),
    CheckID: z.string(),
    Name: z.string(),
    Output: z.string().nullish(),
    ServiceName: z.string().nullish(),
  }),
)

type Check = z.output<typeof checksShape>[number]

const idOf = ({ Node, CheckID }: Check) => `${Node} ${CheckID}`

/** The first words in one line. A URL in it may hold a password. */
function excerpt(output: string | null | undefined): string {
  const line = (output ?? '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/:\/\/[^/@\s]*@/g, '://***@')
  return line === '' ? '-' : line.slice(0, 120)
}
