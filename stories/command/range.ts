import { z } from 'healthz'

/** Values that are fine, as plugins of Nagios write them: `10` is 0 to 10, `10:`, `~:10`, and `@10:20` means outside of it. */
export interface Range {
  readonly text: string
  readonly from: number
  readonly to: number
  /** Whether what lies inside is bad. */
  readonly isInverted: boolean
}

/** A range in an option. https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT */
export function range() {
  return z
    .union([z.string(), z.number().transform(String)])
    .refine((text) => parseRange(text) !== null, {
      error: 'not a range; write it as 10, 10:, ~:10, 5:10 or @5:10',
    })
    .transform((text) => parseRange(text) ?? { text, from: 0, to: 0, isInverted: false })
    .meta({ title: 'range', examples: ['10', '10:', '~:10', '@5:10'] })
}

/** The range; null where the text is none. */
export function parseRange(text: string): Range | null {
  const [, inverted, start, end = ''] = pattern.exec(text.trim()) ?? []
  if (inverted === undefined || (start === undefined && end === '')) return null
  const from = start === '~' ? Number.NEGATIVE_INFINITY : Number(start ?? 0)
  const to = end === '' ? Number.POSITIVE_INFINITY : Number(end)
  return from > to ? null : { text: text.trim(), from, to, isInverted: inverted === '@' }
}

const number = String.raw`-?\d+(?:\.\d+)?`
const pattern = new RegExp(`^(@?)(?:(~|${number})?:)?(${number})?$`)
