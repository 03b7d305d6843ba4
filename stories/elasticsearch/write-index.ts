import { type Problem, say, type Text } from 'healthz'
import type { ClusterHealth } from './cluster-health.ts'
import { type Aliases, readAliases, writtenBehind } from './indices.ts'
import { admitHidden } from './names.ts'
import type { Family } from './options.ts'
import { step } from './target.ts'
import { tellAll } from './tell-all.ts'

/** What is rotated is written to the right index. */
export const writeIndex = step({
  title: say`every write alias leads to the index of today`,
  on: ({ families }) => families.length > 0,
  async check({ target, options, signal, now, note, problem, cannotTell }) {
    const health = await target.health(signal)
    const aliases = await readAliases(target.api, health, signal)
    const wrong = options.families.flatMap((family) => {
      const fault = faultOf(family, aliases, health, now())
      return fault === null ? [] : [{ key: family.write, ...fault }]
    })
    note(say`${options.families.length - wrong.length} of ${options.families.length} are as they should be`)
    if (wrong.length > 0) admitHidden(aliases.hidden, target.api, cannotTell)
    tellAll(wrong, { problem, note })
  },
})

const seeRotation = say`see in the log of the job that rotates them why it did not; forbid that an index of this name is made by itself (action.auto_create_index)`

type Fault = Omit<Problem, 'key'>

/** What is wrong with the index that a family is written to; null where it is as it should be. */
export function faultOf(family: Family, aliases: Aliases, health: ClusterHealth, at: number): Fault | null {
  const { write, read } = family
  const behind = aliases.byName.get(write) ?? []
  const fault = (summary: Text, index: string | null, advice = seeRotation): Fault => ({
    severity: 'critical',
    summary,
    advice,
    evidence: { alias: write, index },
  })
  if (behind.length === 0) {
    return aliases.indices.has(write)
      ? fault(
          say`${write} is an index that came into being by itself, where a write alias is expected`,
          write,
        )
      : fault(say`no index is behind the write alias ${write}: nothing can be written`, null)
  }
  const index = writtenBehind(behind)
  if (index === null) {
    return fault(
      say`${behind.length} indices are behind the write alias ${write}, and it is not said which to write to`,
      null,
      say`mark the newest one with is_write_index, or take the alias off the others`,
    )
  }
  if (read !== undefined && !aliases.byName.get(read)?.some((found) => found.index === index))
    return fault(say`${index}, where ${write} leads, cannot be found under the alias ${read}`, index)
  const days = expectedDays(family, at)
  if (days.length > 0 && !days.some((day) => index.replace(/[.-]/g, '').includes(day)))
    return fault(say`${write} still leads to ${index}, which is not of today (${days[0] ?? ''})`, index)
  const state = health.indices.find(({ name }) => name === index)?.status ?? 'green'
  if (state === 'green' || (state === 'yellow' && health.dataNodes === 1)) return null
  return {
    ...fault(
      say`${index}, where ${write} leads, is ${state}`,
      index,
      say`see the step "shards" for the reason`,
    ),
    severity: state === 'red' ? 'critical' : 'warning',
  }
}

/** How long after midnight the index of yesterday will do, in milliseconds. */
const grace = 1_800_000

/** The dates, as 20261231, of which the name must hold one; none where it holds no date. */
function expectedDays({ daily, timeZone }: Family, at: number): readonly string[] {
  if (!daily) return []
  return [...new Set([dayOf(at, timeZone), dayOf(at - grace, timeZone)])]
}

function dayOf(at: number, timeZone: string): string {
  // The Swedish form of a date is that of ISO 8601.
  return new Intl.DateTimeFormat('sv-SE', { timeZone }).format(at).replaceAll('-', '')
}
