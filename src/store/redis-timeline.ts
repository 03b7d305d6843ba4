import type { Happening } from '../core/store.ts'
import type { StoreKeys } from './redis-keys.ts'
import { batches, type Call, readStream } from './redis-read.ts'
import type { Draft } from './redis-transaction.ts'

/** About how many happenings are kept, however young they are. */
const mostKept = 20_000

export function tell(draft: Draft, keys: StoreKeys, happenings: readonly Happening[]): void {
  for (const { at, entry, problem, kind, text } of happenings) {
    const line = JSON.stringify({ at, entry, problem, kind, text })
    draft.also(
      'XADD',
      keys.timeline,
      ...['MAXLEN', '~', mostKept, '*', 'entry', entry, 'at', at, 'line', line],
    )
  }
}

/** Newest first, in the order in which they were written. */
export async function readTimeline(
  call: Call,
  keys: StoreKeys,
  { entry, limit }: { entry?: string; limit: number },
): Promise<Happening[]> {
  const found: Happening[] = []
  if (limit <= 0) return found
  const atOnce = entry === undefined ? Math.min(limit, 1000) : 1000
  for await (const { fields } of readStream(call, keys.timeline, atOnce)) {
    if (entry !== undefined && fields.get('entry') !== entry) continue
    // Written by `tell`, which takes a Happening.
    found.push(JSON.parse(fields.get('line') ?? 'null') as Happening)
    if (found.length === limit) break
  }
  return found
}

/** A happening that was taken over may be older than those written before it: all are looked at. */
export async function forgetHappenings(call: Call, keys: StoreKeys, before: number): Promise<void> {
  const old: string[] = []
  for await (const { id, fields } of readStream(call, keys.timeline))
    if (Number(fields.get('at')) < before) old.push(id)
  for (const ids of batches(old)) await call('XDEL', keys.timeline, ...ids)
}
