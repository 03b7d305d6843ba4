import { count, milliseconds, say, z } from 'healthz'
import { growth } from './growth.ts'
import { step } from './target.ts'

interface Sample {
  readonly life: string
  readonly dropped: number
  readonly errors: Readonly<Record<string, number>>
}

/** What is written is kept. */
export const writeErrors = step({
  title: say`what is written is kept`,
  limits: z.strictObject({
    dropped: z
      .number()
      .min(0)
      .meta({ description: 'points lost between two tellings that are fine' })
      .default(0),
    errors: z.number().min(0).meta({ description: 'errors between two tellings that are fine' }).default(0),
  }),
  async check({ target, limits, signal, note, problem, compare }) {
    const take = async (): Promise<Sample> => {
      const { life, dropped, errors } = await target.figures(signal)
      return { life, dropped, errors }
    }
    const { before, after, apart } = await compare(take, (before, after) => before.life === after.life)
    const dropped = growth(before.dropped, after.dropped)
    note(say`${count(dropped, 'point')} dropped in ${milliseconds(apart)}`)
    if (dropped > limits.dropped) {
      problem({
        key: 'dropped',
        severity: 'critical',
        confirm: 1,
        summary: say`${count(dropped, 'point')} dropped in ${milliseconds(apart)} (limit ${limits.dropped})`,
        advice: say`they are lost: look in its log for "partial write"; max-series-per-database or max-values-per-tag is reached, or a field changed its type`,
        evidence: { dropped, limit: limits.dropped, apartMs: Math.round(apart) },
      })
    }
    const grown = Object.entries(after.errors)
      .map(([name, value]) => [name, growth(before.errors[name] ?? value, value)] as const)
      // A write that loses points is an error of its own in the books.
      .filter(([name, more]) => more > limits.errors && !(name === 'writeError' && dropped > 0))
    if (grown.length === 0) return
    problem({
      key: 'errors',
      severity: 'warning',
      confirm: 1,
      summary: say`errors within ${milliseconds(apart)} (limit ${limits.errors}): ${grown.map(([name, more]) => say`${name} ${more}`)}`,
      advice: say`see in the log of InfluxDB what failed: a slow or full disk, a subscriber that does not keep up, or a fault of its own`,
      evidence: Object.fromEntries(grown),
    })
  },
})
