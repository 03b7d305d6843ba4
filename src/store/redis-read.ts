import type { RedisLink } from '../core/redis-link.ts'

/** How many fields or members one command reads at most: Redis serves nobody else meanwhile. */
const batch = 1000

export type Call = RedisLink['call']

/** The values of these fields of a hash, null for each that is missing. */
export async function readFields(
  call: Call,
  key: string,
  fields: readonly string[],
): Promise<(string | null)[]> {
  const replies = await Promise.all(
    batches(fields).map(async (some) => {
      // HMGET answers with a string or null for each field.
      return (await call('HMGET', key, ...some)) as (string | null)[]
    }),
  )
  return replies.flat()
}

/** A whole hash as of one moment: for hashes that stay small. */
export async function readHash(call: Call, key: string): Promise<ReadonlyMap<string, string>> {
  return new Map(pairs(await call('HGETALL', key)))
}

/** A hash that may be large, bit by bit: what changes meanwhile may be there or not. */
export async function scanHash(call: Call, key: string): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>()
  let cursor = '0'
  do {
    // HSCAN answers with the next cursor and a list of fields and values.
    const [next, found] = (await call('HSCAN', key, cursor, 'COUNT', batch)) as [string, string[]]
    for (const [field, value] of pairs(found)) all.set(field, value)
    cursor = next
  } while (cursor !== '0')
  return all
}

/** The members of a sorted set whose score is in the range (`-inf`, `(5`), by score; page after page. */
export async function* readRange(
  call: Call,
  key: string,
  [from, to]: readonly [string, string],
): AsyncGenerator<string> {
  for (let offset = 0; ; offset += batch) {
    // ZRANGEBYSCORE answers with a list of members.
    const page = (await call('ZRANGEBYSCORE', key, from, to, 'LIMIT', offset, batch)) as string[]
    yield* page
    if (page.length < batch) return
  }
}

export interface StreamEntry {
  readonly id: string
  readonly fields: ReadonlyMap<string, string>
}

/** A stream page after page, its newest entries first. */
export async function* readStream(call: Call, key: string, atOnce = batch): AsyncGenerator<StreamEntry> {
  let end = '+'
  while (true) {
    // XREVRANGE answers with pairs of an id and a list of fields and values.
    const page = (await call('XREVRANGE', key, end, '-', 'COUNT', atOnce)) as [string, string[]][]
    for (const [id, fields] of page) yield { id, fields: new Map(pairs(fields)) }
    const last = page.at(-1)
    if (last === undefined || page.length < atOnce) return
    end = `(${last[0]}`
  }
}

export function batches<Item>(items: readonly Item[], size = batch): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

/** Redis answers with a flat list of names and values. */
function pairs(reply: unknown): [string, string][] {
  return batches(reply as string[], 2) as [string, string][]
}
