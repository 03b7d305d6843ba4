import { z } from 'healthz'

const pair = z.tuple([z.number(), z.string()])

/** The result of a query. Values are texts, which may be NaN, +Inf or -Inf. */
export const answer = z.discriminatedUnion('resultType', [
  z.looseObject({
    resultType: z.literal('vector'),
    result: z.array(
      z.looseObject({
        metric: z.record(z.string(), z.string()),
        // A native histogram has none.
        value: pair.optional(),
      }),
    ),
  }),
  z.looseObject({ resultType: z.literal('scalar'), result: pair }),
  z.looseObject({ resultType: z.literal('string'), result: pair }),
  z.looseObject({ resultType: z.literal('matrix'), result: z.array(z.unknown()) }),
])

export type Answer = z.output<typeof answer>

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** NaN where it is none. */
  readonly value: number
}

/** The series of a result; null where it is none of single values. */
export function seriesOf(found: Answer): readonly Series[] | null {
  switch (found.resultType) {
    case 'vector':
      return found.result.map(({ metric, value }) => ({ labels: metric, value: numberOf(value?.[1]) }))
    case 'scalar':
      return [{ labels: {}, value: numberOf(found.result[1]) }]
    default:
      return null
  }
}

/** A value as Prometheus writes it. */
export function numberOf(text: string | undefined): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  return text === undefined || text.trim() === '' ? Number.NaN : Number(text)
}

/** Labels as people write them, the name of the metric first. */
export function written(labels: Readonly<Record<string, string>>): string {
  const { __name__ = '', ...others } = labels
  const pairs = Object.entries(others)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${value}"`)
  const text = pairs.length === 0 ? __name__ : `${__name__}{${pairs.join(', ')}}`
  return text.length > 400 ? `${text.slice(0, 399)}…` : text
}
