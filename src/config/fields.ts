import { z } from 'zod'
import { duration, parseDuration } from '../core/duration.ts'
import { say } from '../core/text.ts'

const dull = say`a name cannot hold "/", "," or line ends, nor begin or end with a blank`
// Its value is filled in where the fault is explained.
const short = say`too short; the least is ${''}`

/** A name that can stand in addresses, labels and lists of names. */
export function name() {
  return z
    .string()
    .min(1)
    .max(100)
    .regex(/^(?! )[^/,\r\n\t]*(?<! )$/, { error: dull.template })
}

/** A duration that is no shorter than `least`; milliseconds once parsed. */
export function span(least: string) {
  const leastMs = parseDuration(least) ?? 0
  const isLong = (ms: number) => ms >= leastMs
  return duration().pipe(z.number().refine(isLong, { error: short.template, params: { values: [least] } }))
}

export function severity() {
  return z.enum(['warning', 'critical'])
}

/** A number of tellings in a row. */
export function tellings() {
  return z.int().min(1).max(1000)
}

/** One of these, or a list of them; a list once parsed. */
export function someOf<Word extends z.ZodType<string>>(word: Word) {
  return z.union([word.transform((value) => [value]), z.array(word).min(1)])
}
