import { count, say } from 'healthz'
import type { Picture } from './picture.ts'
import { step } from './target.ts'

const week = 7 * 24 * 3_600_000

/** When each broker was seen last, by id. */
type Seen = Readonly<Record<string, number>>

/** No broker is gone: none that was there within a week, and none that is to hold a replica. */
export const brokers = step({
  title: say`all brokers are there`,
  confirm: 3,
  async check({ target, options, signal, now, note, recall, remember, problem }) {
    const picture = await target.picture(signal)
    const present = picture.brokers.size
    const seen = recent({ ...recall<Seen>()?.value, ...seenIn(picture, now()) }, now())
    remember(seen)
    const gone = absent(picture, seen)
    const expected = options.expectBrokers ?? present + gone.length
    note(say`${present} of ${count(expected, 'broker')}`)
    if (present >= expected) return
    problem({
      severity: 'critical',
      summary:
        gone.length === 0
          ? say`only ${count(present, 'broker')} of ${expected}`
          : say`only ${count(present, 'broker')} of ${expected}, missing: ${gone.map((id) => `${id}`)}`,
      advice:
        options.expectBrokers === undefined
          ? say`see in the log of the missing broker why it ended, and start it; if it was taken out for good, set expectBrokers`
          : say`see in the log of the missing broker why it ended, and start it`,
      evidence: { brokers: present, expected, missing: gone.join(', ') },
    })
  },
})

const seenIn = ({ brokers }: Picture, at: number): Seen =>
  Object.fromEntries([...brokers.keys()].map((id) => [id, at]))

const recent = (seen: Seen, at: number): Seen =>
  Object.fromEntries(Object.entries(seen).filter(([, last]) => at - last < week))

/** The ids of the brokers that should be there. */
function absent({ brokers, topics }: Picture, seen: Seen): readonly number[] {
  const holders = topics.flatMap(({ partitions }) => partitions.flatMap(({ replicas }) => replicas))
  const known = new Set([...Object.keys(seen).map(Number), ...holders])
  return [...known].filter((id) => !brokers.has(id)).sort((a, b) => a - b)
}
