import { occurrenceOf } from '../core/alarm.ts'
import type { Guard, RedisLink } from '../core/redis-link.ts'
import type { Approval, CureRecord, EntryRecord, Fence, Kept, Store } from '../core/store.ts'
import { adoption } from './adoption.ts'
import { doubtful, reconciled } from './reconcile.ts'
import { type StoreKeys, storeKeys } from './redis-keys.ts'
import { redisOutbox } from './redis-outbox.ts'
import { batches, type Call, readFields, readHash, readRange } from './redis-read.ts'
import { forgetThese, look, reception, waitingOf } from './redis-reception.ts'
import { parse } from './redis-rows.ts'
import { forgetHappenings, readTimeline, tell } from './redis-timeline.ts'
import { type Draft, transactionsOn } from './redis-transaction.ts'
import { watchedLink } from './redis-trouble.ts'
import { spellsOf } from './spells.ts'

export interface RedisStoreOptions {
  /** Before every key; it holds the hash tag: `{hz:shop}:`. */
  readonly prefix: string
  readonly guard: Guard
  /** What this node may write with now. */
  readonly fence: () => Fence
}

/**
 * The store in the Redis that coordinates the cluster (6.2 or newer), for all of its nodes at once. What a fenced
 * method writes is written together with the guard's check. The link stays its owner's.
 * @throws from every method what the link throws: whether a write was done is unknown then.
 */
export function redisStore(bare: RedisLink, { prefix, guard, fence }: RedisStoreOptions): Store {
  const { link, trouble } = watchedLink(bare)
  const call: Call = (...command) => link.call(...command)
  const keys = storeKeys(prefix)
  const transact = transactionsOn(link, guard)
  const { owe, forget, ...outbox } = redisOutbox(call, keys, transact)

  const reader = readerOf(call, keys)

  return {
    ...outbox,
    ...reader,
    get fence() {
      return fence()
    },
    trouble,

    async entry(name) {
      const [json = null] = await readFields(call, keys.entry, [name])
      return parse<EntryRecord>(json)
    },

    commit: (by, given) =>
      transact(by, async (draft) => {
        await draft.load(keys.entry, [given.record.name])
        const stored = recordIn(draft, given.record.name)
        const doubts = doubtful(given, stored)
        const commit =
          doubts.length === 0
            ? given
            : reconciled(given, stored, (await look(draft, keys, call, doubts)).endOf)
        const { record, happenings, owed, isGone } = commit
        await owe(draft, owed)
        draft.set(keys.entry, record.name, isGone === true ? null : JSON.stringify(record))
        tell(draft, keys, happenings)
        return commit
      }),

    async adopt(by, kept) {
      const declined: string[] = []
      for (const part of partsOf(kept))
        declined.push(...(await transact(by, (draft) => adoptIn(draft, part))))
      return declined
    },

    beginCure: (by, begun) =>
      transact(by, async (draft) => {
        const id = Number(await call('HINCRBY', keys.ids, 'cure', 1))
        draft.set(keys.approval, approvalField(begun), null)
        draft.set(keys.cure, `${id}`, JSON.stringify({ ...begun, id, trial: null } satisfies CureRecord))
        draft.also('ZADD', keys.cureAt, begun.at, id)
        return id
      }),

    endCure: (by, id, trial) =>
      transact(by, async (draft) => {
        await draft.load(keys.cure, [`${id}`])
        const cure = parse<CureRecord>(draft.get(keys.cure, `${id}`))
        if (cure !== null) draft.set(keys.cure, `${id}`, JSON.stringify({ ...cure, trial }))
      }),

    async cures(since) {
      const ids = await collect(readRange(call, keys.cureAt, [`${since}`, '+inf']))
      const cures = (await readFields(call, keys.cure, ids)).flatMap((json) => parse<CureRecord>(json) ?? [])
      return cures.sort((a, b) => a.id - b.id)
    },

    async approvals(at) {
      const all = [...(await readHash(call, keys.approval)).values()].map(
        (json) => JSON.parse(json) as Approval,
      )
      return all.filter(({ until }) => until > at).sort((a, b) => a.at - b.at)
    },

    timeline: (filter) => readTimeline(call, keys, filter),

    async prune(before) {
      await forgetHappenings(call, keys, before)
      await forgetCures(before)
      await forgetApprovals(before)
      const open = openOccurrences(await reader.entries())
      await forget(before, (occurrence) => open.has(occurrence))
    },

    async [Symbol.asyncDispose]() {},
  }

  function recordIn(draft: Draft, name: string): EntryRecord | null {
    return parse<EntryRecord>(draft.get(keys.entry, name))
  }

  async function adoptIn(draft: Draft, kept: Kept): Promise<readonly string[]> {
    const { knows, markSettled, takeOver } = await reception(draft, keys, call, kept.outgoing)
    const news = kept.outgoing.filter((one) => !knows(one))
    const names = [...kept.records.map(({ name }) => name), ...news.map(({ alarm }) => alarm.entry)]
    await draft.load(keys.entry, names)
    const entry = (name: string) => recordIn(draft, name)
    const records = [...kept.records, ...names.flatMap((name) => entry(name) ?? [])]
    const asked = [...records.flatMap(spellsOf), ...news.map(({ alarm }) => alarm.occurrence)]
    const told = await look(draft, keys, call, asked)
    const {
      records: written,
      taken,
      declined,
      owed,
      isForgotten,
    } = adoption(kept, { entry, alarm: knows, ...told })
    const needless = isForgotten === null ? [] : await waitingOf(draft, keys, call, isForgotten)
    for (const record of written) draft.set(keys.entry, record.name, JSON.stringify(record))
    for (const one of taken) await takeOver(one)
    for (const one of kept.outgoing) markSettled(one, kept.overrules === true)
    await forgetThese(draft, keys, call, needless)
    tell(draft, keys, kept.happenings)
    await owe(draft, owed)
    return declined
  }

  async function forgetCures(before: number): Promise<void> {
    const ids = await collect(readRange(call, keys.cureAt, ['-inf', `(${before}`]))
    for (const some of batches(ids)) {
      await transact(null, (draft) => {
        for (const id of some) {
          draft.set(keys.cure, id, null)
          draft.also('ZREM', keys.cureAt, id)
        }
      })
    }
  }

  async function forgetApprovals(before: number): Promise<void> {
    await transact(null, async (draft) => {
      for (const [field, json] of await readHash(call, keys.approval)) {
        if ((JSON.parse(json) as Approval).until >= before) continue
        draft.saw(keys.approval, field, json)
        draft.set(keys.approval, field, null)
      }
    })
  }
}

/** What a person's commands need of a cluster's store: to look, and to write down a consent. */
export function redisReader(link: RedisLink, prefix: string): Pick<Store, 'entries' | 'approve'> {
  return readerOf((...command) => link.call(...command), storeKeys(prefix))
}

function readerOf(call: Call, keys: StoreKeys): Pick<Store, 'entries' | 'approve'> {
  return {
    async entries() {
      const records = [...(await readHash(call, keys.entry)).values()].map(
        (json) => JSON.parse(json) as EntryRecord,
      )
      return records.sort((a, b) => (a.name < b.name ? -1 : 1))
    },

    async approve(approval) {
      await call('HSET', keys.approval, approvalField(approval), JSON.stringify(approval))
    },
  }
}

/** So many entries are taken over in one act: with more of them, those who tell them get in its way. */
const mostAtOnce = 8

/** What is kept, in parts that each hold all there is of some entries. */
function partsOf({ records, happenings, outgoing, ...how }: Kept): Kept[] {
  const names = new Set([...records.map(({ name }) => name), ...outgoing.map(({ alarm }) => alarm.entry)])
  const [first = [], ...others] = batches([...names], mostAtOnce)
  return [first, ...others].map((some): Kept => {
    const isMeant = new Set(some)
    return {
      ...how,
      records: records.filter(({ name }) => isMeant.has(name)),
      happenings: some === first ? happenings : [],
      outgoing: outgoing.filter(({ alarm }) => isMeant.has(alarm.entry)),
    }
  })
}

/** The occurrences of problems that are raised now: whoever was told of them must still be known when they recover. */
function openOccurrences(records: readonly EntryRecord[]): ReadonlySet<string> {
  return new Set(
    records.flatMap(({ name, state }) =>
      Object.values(state.problems)
        .filter(({ phase }) => phase === 'raised')
        .map((problem) => occurrenceOf(name, problem)),
    ),
  )
}

function approvalField({ entry, problem }: Pick<Approval, 'entry' | 'problem'>): string {
  return JSON.stringify([entry, problem])
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
