import { count, type Problem, say, type Text } from 'healthz'
import { lengthsOf } from './key-lengths.ts'
import type { RedisOptions } from './options.ts'
import { startConsumer } from './start-consumer.ts'
import { step } from './target.ts'

/** None of the configured keys grows long. */
export const keyLength = step({
  title: say`no queue among the keys piles up`,
  on: ({ keys }) => keys.length > 0,
  confirm: 3,
  cures: [{ title: say`run the start command that is configured for the consumer of a key`, consent: 'ask' }],
  async check({ target, options, note, problem, grade, recall, remember, cannotTell }) {
    const found = await lengthsOf(target, options.keys.flatMap(namedBy))
    const before = recall<Lengths>()?.value ?? {}
    const after: Record<string, readonly number[]> = {}
    for (const asked of options.keys) {
      const length = found.get(asked.key)
      const max = boundOf(asked.max, found)
      const critical = asked.critical === undefined ? undefined : boundOf(asked.critical, found)
      if (typeof length !== 'number' || max === null || critical === null) continue
      note(say`${asked.key} has ${count(length, 'element')}`)
      const severity = grade(length, { warning: max, critical }, asked.key)
      if (severity === null) continue
      const lengths = [...(before[asked.key] ?? []), length].slice(-remembered)
      after[asked.key] = lengths
      if (isShrinking(lengths)) note(say`${asked.key} is too long, but shrinks`)
      else {
        const limit = severity === 'critical' && critical !== undefined ? critical : max
        problem({
          key: asked.key,
          severity,
          summary: say`${asked.key} has ${count(length, 'element')} (limit ${limit}${ratioOf(asked.max)}), ${trendOf(lengths)}`,
          advice: adviceOf(asked),
          evidence: { key: asked.key, length, limit },
          ...(asked.start !== undefined && { resolve: startConsumer(asked.start, asked.key, max, target) }),
        })
      }
    }
    remember(after)
    const untold = [...found.values()].filter((length) => typeof length !== 'number')
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

type Asked = RedisOptions['keys'][number]
type Bound = Asked['max']

/** The lengths of what was too long at the last tellings. */
type Lengths = Readonly<Record<string, readonly number[]>>

const remembered = 3

const namedBy = ({ key, max, critical }: Asked): readonly string[] => [
  key,
  ...[max, critical].flatMap((bound) => (typeof bound === 'object' ? bound.of : [])),
]

/** Null where it depends on a key that has no length. */
function boundOf(bound: Bound, lengths: ReadonlyMap<string, number | Text>): number | null {
  if (typeof bound === 'number') return bound
  const other = lengths.get(bound.of)
  return typeof other === 'number' ? Math.max(bound.least, bound.times * other) : null
}

/** Over as many tellings as are remembered: a queue that is worked off again needs no alarm. */
const isShrinking = (lengths: readonly number[]) =>
  lengths.length > 1 && (lengths.at(-1) ?? 0) < (lengths[0] ?? 0)

function trendOf(lengths: readonly number[]): Text {
  if (lengths.length < 2) return say`seen so for the first time`
  const growth = (lengths.at(-1) ?? 0) - (lengths[0] ?? 0)
  return growth === 0 ? say`and none fewer than before` : say`${growth} more than before`
}

const ratioOf = (bound: Bound): Text =>
  typeof bound === 'number' ? '' : say`, ${bound.times} times that of ${bound.of}`

function adviceOf({ consumer }: Asked): NonNullable<Problem['advice']> {
  return consumer === undefined
    ? say`see whether the process that takes from it runs and keeps up; start it, or more of them`
    : say`see whether ${consumer} runs and keeps up; start it, or more of them`
}
