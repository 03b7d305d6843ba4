import { getServers, lookup, Resolver } from 'node:dns/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Question } from './options.ts'

/** What one resolver made of one question. */
export interface Answer {
  readonly question: Question
  /** Its address, or `system`. */
  readonly resolver: string
  /** Milliseconds. */
  readonly took: number
  /** Sorted; null where there is none. */
  readonly values: readonly string[] | null
  /** Why there is none, as Node names it: `ENOTFOUND`, `ESERVFAIL`... */
  readonly code: string | null
}

/** Asks each resolver of a question apart, at the same time. */
export function askAll(question: Question, signal: AbortSignal): Promise<readonly Answer[]> {
  const resolvers = question.resolvers ?? getServers()
  return Promise.all(resolvers.map((resolver) => ask(question, resolver, signal)))
}

async function ask(question: Question, resolver: string, signal: AbortSignal): Promise<Answer> {
  const start = performance.now()
  const answer = (values: readonly string[] | null, code: string | null): Answer => ({
    ...{ question, resolver, values, code },
    took: performance.now() - start,
  })
  try {
    const values =
      resolver === 'system' ? await askSystem(question, signal) : await askServer(question, resolver, signal)
    return answer(values.map(plain).sort(), null)
  } catch (error) {
    signal.throwIfAborted()
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    // A wrong call of ours has a code too; it begins with ERR_.
    if (/^E[A-Z]+$/.test(code)) return answer(null, code)
    throw error
  }
}

/** Milliseconds that one resolver gets in all; it is asked twice in this time. */
const patience = 5000

async function askServer(
  { name, type }: Question,
  server: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 1600, tries: 2 })
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const timer = setTimeout(cancel, patience)
  try {
    resolver.setServers([server])
    return recordsOf(await resolver.resolve(name, type))
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', cancel)
  }
}

/** What the host's own programs get. It cannot be cancelled, so it is left behind when it takes too long. */
async function askSystem({ name, type }: Question, signal: AbortSignal): Promise<readonly string[]> {
  const looking = lookup(name, { all: true, family: type === 'AAAA' ? 6 : 4 })
  looking.catch(() => {}) // nobody waits for it once it was left behind
  const waiting = new AbortController()
  const over = AbortSignal.any([signal, waiting.signal])
  const late = delay(patience, undefined, { signal: over }).then(() => {
    throw Object.assign(new Error('timeout'), { code: 'ETIMEOUT' })
  })
  try {
    return (await Promise.race([looking, late])).map(({ address }) => address)
  } finally {
    waiting.abort()
    late.catch(() => {})
  }
}

/** Records as texts; each type has a shape of its own. */
function recordsOf(records: unknown): readonly string[] {
  return [records].flat().map((record) => {
    if (typeof record === 'string') return record
    if (Array.isArray(record)) return record.join('') // a TXT in pieces
    if (typeof record !== 'object' || record === null) return String(record)
    return Object.entries(record)
      .filter(([field]) => order.includes(field))
      .toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b))
      .map(([, value]) => String(value))
      .join(' ')
  })
}

/** The fields of MX and SRV as a zone file has them. */
const order = ['priority', 'weight', 'port', 'exchange', 'name']

/** Names are the same with and without the last dot, in capitals and without. */
export const plain = (value: string): string => value.toLowerCase().replace(/\.$/, '')
