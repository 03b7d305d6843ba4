import { z } from 'zod'
import { duration, parseDuration } from '../core/duration.ts'
import { say } from '../core/text.ts'

const dull = say`a name cannot hold "/", "," or line ends, nor begin or end with a blank`
// Its value is filled in where the fault is explained.
const short = say`too short; the least is ${''}`

export const badAddress = say`not host:port, such as 127.0.0.1:9180`

/** A name that can stand in addresses, labels and lists of names. */
export function name() {
  return nameOrNothing().min(1)
}

/** A name, or the empty text that a placeholder without a value leaves behind. */
export function nameOrNothing() {
  return z
    .string()
    .max(100)
    .regex(/^(?! )[^/,\r\n\t]*(?<! )$/, { error: dull.template })
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** `host:port`, as it is written; an IPv6 address stands in brackets. */
export function hostPort() {
  return z.string().refine((text) => (endpointOf(text)?.port ?? 0) > 0, { error: badAddress.template })
}

/** The host and port in `host:port`, with a standard port in `host` as well; null where it is neither. */
export function endpointOf(text: string, standardPort?: number): Endpoint | null {
  const parts = /^(\[[\da-f:.]+\]|[^:\s[\]/@]+)(?::(\d{1,5}))?$/i.exec(text)
  const [, host = '', written = standardPort] = parts ?? []
  const port = Number(written)
  return host !== '' && port <= 65_535 ? { host: host.replace(/^\[|\]$/g, ''), port } : null
}

export function writtenEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
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
