import { z } from 'zod'
import { say } from './text.ts'

const notADuration = say`not a duration; write a number with its unit: 500ms, 30s, 10m, 1h30m, 2d`

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds of `30s`, `1h30m`, `500ms`, `2d`; null where the text is no duration. A bare number has no unit. */
export function parseDuration(text: string): number | null {
  const compact = text.trim().replace(/\s+/g, '')
  if (!/^(\d+(\.\d+)?(ms|min|s|m|h|d|w))+$/.test(compact)) return null
  const parts = compact.matchAll(/(\d+(?:\.\d+)?)(ms|min|s|m|h|d|w)/g)
  return [...parts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0)
}

/** A duration in an option, written as `30s` or `1h30m`; milliseconds once parsed. */
export function duration(standard?: string) {
  const schema = z
    .string()
    .regex(/^\s*(\d+(\.\d+)?\s*(ms|min|s|m|h|d|w)\s*)+$/, { error: notADuration.template })
    .meta({ title: 'duration', examples: ['30s', '10m', '1h30m'] })
  const parsed = schema.transform((text) => parseDuration(text) ?? 0)
  return standard === undefined ? parsed : parsed.prefault(standard)
}
