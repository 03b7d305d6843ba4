import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Guard, RedisLink, Script } from '../core/redis-link.ts'
import { type Fence, Fenced } from '../core/store.ts'
import { readFields } from './redis-read.ts'

/**
 * Runs an act: it reads, decides and drafts what to write, and all of it is written in one script, provided that the
 * writer still may write and that nothing the act read was changed since; else the act runs again. Without a fence
 * nobody is refused.
 * @throws Fenced; whatever the link throws.
 */
export type Transact = <Result>(
  fence: Fence | null,
  act: (draft: Draft) => Promise<Result> | Result,
) => Promise<Result>

/** What one act has read and wants written. Its reads see its own changes. */
export interface Draft {
  /** Reads fields of a hash for `get`. */
  load(key: string, fields: readonly string[]): Promise<void>
  /** Takes a field as read, where its value came along with others. */
  saw(key: string, field: string, value: string | null): void
  /** What a field holds that was read or set before; null: nothing. */
  get(key: string, field: string): string | null
  /** null: the field goes. */
  set(key: string, field: string, value: string | null): void
  /** One more command to run, on structures that no act decides by. */
  also(command: 'ZADD' | 'ZREM' | 'XADD', key: string, ...args: readonly (string | number)[]): void
}

/** How often an act is tried while others change what it reads, and the longest rest in between, in milliseconds. */
const mostAttempts = 50
const longestRest = 40

export function transactionsOn(link: RedisLink, guard: Guard): Transact {
  const body = readFileSync(new URL('./lua/transact.lua', import.meta.url), 'utf8')
  const guarded = scriptOf(`${guard.lua}\n${body}`)
  const unguarded = scriptOf(`local function guard() end\n${body}`)
  return async (fence, act) => {
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      const { draft, written } = draftOn(link)
      const result = await act(draft)
      const by = fence === null ? null : { keys: guard.keys, args: guard.args(fence) }
      const { keys, args } = written(by?.keys ?? [], by?.args ?? [])
      // The script answers with one of three words, the second of them with a reason.
      const [answer, why] = (await link.run(by === null ? unguarded : guarded, keys, args)) as [
        'done' | 'conflict' | 'refused',
        string?,
      ]
      if (answer === 'refused') throw new Fenced(why)
      if (answer === 'done') return result
      await sleep(Math.random() * Math.min(2 ** attempt, longestRest))
    }
    throw new Error(`others changed the store in Redis ${mostAttempts} times while one act was under way`)
  }
}

function scriptOf(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

interface Cell {
  /** What was read; undefined: the field is written without a look. */
  readonly before: string | null | undefined
  now: string | null
}

type Argument = string | number

function draftOn(link: RedisLink): {
  readonly draft: Draft
  /** Keys and arguments of the script. */
  readonly written: (
    guardKeys: readonly string[],
    guardArgs: readonly Argument[],
  ) => { keys: string[]; args: Argument[] }
} {
  const hashes = new Map<string, Map<string, Cell>>()
  const others: { command: string; key: string; args: readonly Argument[] }[] = []

  const hashOf = (key: string) => {
    const hash = hashes.get(key) ?? new Map<string, Cell>()
    hashes.set(key, hash)
    return hash
  }

  const draft: Draft = {
    async load(key, fields) {
      const hash = hashOf(key)
      const wanted = [...new Set(fields)].filter((field) => !hash.has(field))
      const values = await readFields((...command) => link.call(...command), key, wanted)
      for (const [index, field] of wanted.entries()) {
        const before = values[index] ?? null
        hash.set(field, { before, now: before })
      }
    },
    saw(key, field, value) {
      const hash = hashOf(key)
      if (!hash.has(field)) hash.set(field, { before: value, now: value })
    },
    get(key, field) {
      const cell = hashes.get(key)?.get(field)
      if (cell === undefined) throw new Error(`the field ${field} of ${key} was not read`)
      return cell.now
    },
    set(key, field, value) {
      const hash = hashOf(key)
      const cell = hash.get(field)
      if (cell === undefined) hash.set(field, { before: undefined, now: value })
      else cell.now = value
    },
    also: (command, key, ...args) => void others.push({ command, key, args }),
  }

  const written = (guardKeys: readonly string[], guardArgs: readonly Argument[]) => {
    const keys = [...guardKeys]
    const indices = new Map<string, number>()
    const indexOf = (key: string) => {
      const index = indices.get(key) ?? keys.push(key)
      indices.set(key, index)
      return index
    }
    const checks: Argument[] = []
    const removals: Argument[] = []
    const writes: Argument[] = []
    for (const [key, hash] of hashes) {
      for (const [field, { before, now }] of hash) {
        if (before !== undefined) checks.push(indexOf(key), field, before === null ? '' : `=${before}`)
        if (now === before) continue
        if (now === null) removals.push(1, 'HDEL', indexOf(key), field)
        else writes.push(2, 'HSET', indexOf(key), field, now)
      }
    }
    for (const { command, key, args } of others) writes.push(args.length, command, indexOf(key), ...args)
    const packed = pack([checks.length / 3, ...checks], removals, writes)
    return { keys, args: [guardKeys.length, guardArgs.length, ...guardArgs, packed] }
  }

  return { draft, written }
}

function pack(...lists: readonly (readonly Argument[])[]): string {
  return lists
    .flat()
    .map((one) => `${Buffer.byteLength(`${one}`)}:${one}`)
    .join('')
}
