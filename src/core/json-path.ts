import { z } from 'zod'

/** Where a value stands in a JSON document: `data.items[0].size`, `list.length`, `["odd.key"].x`. */
export interface JsonPath {
  readonly text: string
  readonly steps: readonly (string | number)[]
}

/** A path in an option. */
export function jsonPath() {
  return z
    .string()
    .regex(whole, { error: 'not a path; write it as data.items[0].size, list.length or ["odd.key"].x' })
    .transform((text): JsonPath => ({ text, steps: [...text.matchAll(part)].map(stepOf) }))
}

/** The value at the path; undefined where there is none. Lists and texts have a `length`. */
export function valueAt(document: unknown, { steps }: JsonPath): unknown {
  return steps.reduce<unknown>((value, step) => {
    if (typeof value === 'string' && step === 'length') return value.length
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    return (value as Readonly<Record<string | number, unknown>>)[step] // it has this key, as was just seen
  }, document)
}

const part = /(?:^|\.)([^.[\]"]+)|\[(\d+)\]|\["([^"]+)"\]/g

const whole = /^(?:[^.[\]"]+|\[\d+\]|\["[^"]+"\])(?:\.[^.[\]"]+|\[\d+\]|\["[^"]+"\])*$/

function stepOf([, name, index, quoted]: RegExpExecArray): string | number {
  return index === undefined ? (name ?? quoted ?? '') : Number(index)
}
