import { CannotTell, say } from 'healthz'
import { type Definition, parseDefinition, parseLastRun } from './entry.ts'
import { type Options, scheduleKey } from './options.ts'

/** Sends a command. @throws CannotTell where the key holds something else, ConnectionFailure */
export type Call = (command: string, ...args: readonly (string | number)[]) => Promise<unknown>

/** What RedBeat has planned. */
export interface Schedule {
  /** All entries, also those that are not looked at. */
  readonly size: number
  /** Those that are still to run, the next one first; so many at most. */
  readonly entries: readonly Entry[]
  /** The server's time in milliseconds. */
  readonly now: number
}

export interface Entry {
  readonly key: string
  /** In milliseconds. Of one that is switched off it stays in the past for ever. */
  readonly due: number
  /** Null where its hash is gone: beat forgets it when it is due. */
  readonly definition: Definition | null
  /** In milliseconds; null where it never was. */
  readonly lastRun: number | null
}

/** So many entries are looked at. */
export const mostRead = 500

/** @throws CannotTell where there is no schedule, or an entry is none of RedBeat's */
export async function readSchedule(call: Call, options: Options): Promise<Schedule> {
  const key = scheduleKey(options)
  const [size, time, due] = await Promise.all([
    sizeOf(call, options),
    call('TIME'),
    // A score below 0 is that of an entry which never runs again.
    call('ZRANGEBYSCORE', key, 0, '+inf', 'WITHSCORES', 'LIMIT', 0, mostRead),
  ])
  if (size === 0) {
    throw new CannotTell(
      say`there is no schedule under ${key}: beat was never there, or "prefix" or the database is another`,
    )
  }
  const entries = await Promise.all(pairsOf(due).map(([name, score]) => readEntry(call, name, score)))
  return { size, entries, now: momentOf(time) }
}

/** How many entries there are; 0 also where there is no schedule. */
export async function sizeOf(call: Call, options: Options): Promise<number> {
  const size = await call('ZCARD', scheduleKey(options))
  if (typeof size === 'number') return size
  throw otherForm('ZCARD')
}

/** Entries that are switched on, as far as they are known. */
export const enabledOf = ({ entries }: Schedule) =>
  entries.flatMap((entry) => (entry.definition?.isEnabled ? { ...entry, definition: entry.definition } : []))

async function readEntry(call: Call, key: string, score: number): Promise<Entry> {
  const found = await call('HMGET', key, 'definition', 'meta')
  if (!Array.isArray(found)) throw otherForm('HMGET')
  const [text, meta] = found
  if (typeof text !== 'string') return { key, due: score * 1000, definition: null, lastRun: null }
  const definition = parseDefinition(text)
  const lastRun = typeof meta === 'string' ? parseLastRun(meta) : null
  if (definition === null || lastRun === undefined)
    throw new CannotTell(say`the entry ${key} is in another form than RedBeat's`)
  return { key, due: score * 1000, definition, lastRun }
}

/** Protocol 3 gives pairs, protocol 2 one flat list. */
function pairsOf(reply: unknown): readonly (readonly [string, number])[] {
  if (!Array.isArray(reply)) throw otherForm('ZRANGEBYSCORE')
  const flat = reply.flat()
  return flat.flatMap((name, index) =>
    index % 2 === 0 ? [[String(name), Number(flat[index + 1])] as const] : [],
  )
}

function momentOf(time: unknown): number {
  const [seconds, micros] = Array.isArray(time) ? time.map(Number) : []
  if (seconds === undefined || !Number.isFinite(seconds)) throw otherForm('TIME')
  return seconds * 1000 + Math.floor((micros ?? 0) / 1000)
}

const otherForm = (command: string) =>
  new CannotTell(say`the server answers ${command} in another form than a Redis`)
