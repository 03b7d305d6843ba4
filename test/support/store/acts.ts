import fc from 'fast-check'
import type { Alarm } from '../../../src/core/alarm.ts'
import { emptyState, type Trial } from '../../../src/core/judge.ts'
import type { Commit, CureBegin, Kept, Settlement, Store } from '../../../src/core/store.ts'
import { anAlarm } from '../alarms.ts'

/** One thing done to a store. Alarms and cures are meant by how many are newer: each store numbers its own. */
export type StoreAct =
  | { readonly type: 'commit'; readonly commit: Commit }
  | { readonly type: 'claim'; readonly channel: string; readonly at: number; readonly limit: number }
  | { readonly type: 'settle'; readonly settlements: readonly (Settlement & { readonly nth: number })[] }
  | { readonly type: 'resume' }
  | { readonly type: 'reroute'; readonly from: string; readonly to: string; readonly at: number }
  | { readonly type: 'readdress'; readonly from: string; readonly to: readonly string[] }
  | { readonly type: 'adopt'; readonly kept: Kept }
  | { readonly type: 'beginCure'; readonly cure: CureBegin }
  | { readonly type: 'endCure'; readonly nth: number; readonly trial: Trial }
  | { readonly type: 'approve'; readonly entry: string; readonly problem: string; readonly at: number }
  | { readonly type: 'prune'; readonly before: number }

const channels = ['ops', 'boss', 'night']
const channel = fc.constantFrom(...channels)
const some = fc.uniqueArray(channel, { maxLength: 3 })
const moment = fc.integer({ min: 0, max: 20 })
const entryName = fc.constantFrom('cache', 'queue')
const problemKey = fc.constantFrom('a', 'b')
const words = fc.constantFrom('full', 'naïve 満杯 "\u0000', '1e400 0.1 -0')

/** Few entries, problems, spells and moments, so that acts meet. */
const alarm: fc.Arbitrary<Alarm> = fc
  .record({
    kind: fc.constantFrom('raised', 'raised', 'worsened', 'reminded', 'recovered', 'withdrawn', 'healed'),
    entry: fc.constantFrom('cache', 'cache', 'queue'),
    key: problemKey,
    raisedAt: fc.constantFrom(1, 1, 1, 2),
    summary: words,
    at: fc.constantFrom(1, 12),
  })
  .map(({ kind, ...parts }) => anAlarm(kind, parts))

const owed = fc.record(
  {
    alarm,
    to: fc.oneof(fc.constant('told' as const), some),
    due: moment.map((at) => at + 0.4),
    isHealed: fc.boolean(),
  },
  { requiredKeys: ['alarm', 'to', 'due', 'isHealed'] },
)

const spells = fc.uniqueArray(
  fc.record({ key: problemKey, raisedAt: fc.constantFrom(1, 1, 2), toldAt: fc.constantFrom(null, 5) }),
  { selector: ({ key }) => key },
)

const raises = fc.record(
  { 'memory/b': fc.constantFrom([1], [2], [1, 2]), 'memory/a': fc.constantFrom([1], [2], [1, 2]) },
  { requiredKeys: [] },
)

const record = fc
  .record({ name: entryName, at: moment, took: fc.double({ noNaN: true }), open: spells, raises })
  .map(({ name, at, took, open, raises }) => ({
    name,
    kind: 'redis',
    title: 'Redis',
    at,
    took: Number.isFinite(took) ? took + 0 : 0,
    state: {
      ...emptyState,
      raises,
      problems: Object.fromEntries(
        open.map((spell) => [`memory/${spell.key}`, anAlarm('raised', { entry: name, ...spell }).problem]),
      ),
    },
    samples: { memory: { at, value: { used: 1e21, share: 0.1, list: [], object: {} } } },
  }))

const happening = fc.record({
  at: moment,
  entry: entryName,
  problem: problemKey,
  kind: fc.constantFrom('found' as const, 'cured' as const),
  text: words,
})

const commit = fc
  .record({
    record,
    happenings: fc.array(happening, { maxLength: 2 }),
    owed: fc.array(owed, { maxLength: 4 }),
    isGone: fc.boolean(),
  })
  .map(
    ({ owed, ...rest }): Commit => ({
      ...rest,
      owed: owed.map(({ isHealed, ...one }) => {
        const { entry, problem, at } = one.alarm
        const { key, raisedAt } = problem
        return isHealed ? { ...one, otherwise: anAlarm('recovered', { entry, key, raisedAt, at }) } : one
      }),
    }),
  )

const nth = fc.nat({ max: 6 })
const settlement = fc.oneof(
  fc.record({ nth, result: fc.constantFrom('sent' as const, 'failed' as const), at: moment }),
  fc.record({
    nth,
    result: fc.constantFrom('sent' as const, 'failed' as const),
    at: moment,
    error: words,
  }),
  fc.record({ nth, result: fc.constant('retry' as const), at: moment, due: moment, error: words }),
)

const outgoing = fc
  .record({
    channel,
    alarm,
    status: fc.constantFrom('pending' as const, 'sending' as const, 'sent' as const, 'failed' as const),
    createdAt: moment,
    due: moment,
    attempts: fc.nat({ max: 2 }),
    error: fc.option(words),
    at: moment,
  })
  .map(({ at, ...one }) => ({
    ...one,
    settledAt: one.status === 'sent' || one.status === 'failed' ? at : null,
  }))

const kept = fc.record({
  records: fc.array(record, { maxLength: 2 }),
  happenings: fc.array(happening, { maxLength: 2 }),
  outgoing: fc.array(outgoing, { maxLength: 4 }),
  overrules: fc.boolean(),
  declined: fc.array(
    alarm.map(({ occurrence }) => occurrence),
    { maxLength: 2 },
  ),
})

const trial = fc.record({
  at: moment,
  title: words,
  result: fc.constantFrom('healed' as const, 'failed' as const),
  took: fc.nat(),
  detail: fc.option(words),
})

const act: fc.Arbitrary<StoreAct> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('commit'), commit }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('claim'),
      channel,
      at: fc.constantFrom(5, 50),
      limit: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('settle'),
      settlements: fc.array(
        settlement.map((one) => ({ ...one, id: 0 })),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  fc.record({ type: fc.constant('resume') }),
  fc.record({ type: fc.constant('reroute'), from: channel, to: channel, at: fc.constantFrom(2, 50) }),
  fc.record({ type: fc.constant('readdress'), from: channel, to: some }),
  { weight: 2, arbitrary: fc.record({ type: fc.constant('adopt'), kept }) },
  fc.record({
    type: fc.constant('beginCure'),
    cure: fc.record({
      at: moment,
      entry: entryName,
      problem: problemKey,
      severity: fc.constantFrom('warning', 'critical'),
      title: words,
      actor: fc.constant('ann'),
    }),
  }),
  fc.record({ type: fc.constant('endCure'), nth, trial }),
  fc.record({ type: fc.constant('approve'), entry: entryName, problem: problemKey, at: moment }),
  fc.record({ type: fc.constant('prune'), before: moment }),
)

export const storeActs: fc.Arbitrary<StoreAct[]> = fc.array(act, { maxLength: 40, size: 'max' })

/** Does it, and gives what the store answered, without the ids. */
export async function perform(store: Store, act: StoreAct): Promise<unknown> {
  const { fence } = store
  switch (act.type) {
    case 'commit':
      return await store.commit(fence, act.commit)
    case 'claim':
      return (await store.claim(fence, act)).map(withoutId)
    case 'settle': {
      const ids = (await store.alarms(1000)).map(({ id }) => id)
      const settlements = act.settlements.map(({ nth, ...one }) => ({ ...one, id: ids[nth] ?? 999_999 }))
      return store.settle(fence, settlements)
    }
    case 'resume':
      return store.resume(fence)
    case 'reroute':
      return store.reroute(fence, { ...act, createdBefore: act.at })
    case 'readdress':
      return store.readdress(fence, act)
    case 'adopt':
      return store.adopt(fence, act.kept)
    case 'beginCure':
      return void (await store.beginCure(fence, act.cure))
    case 'endCure': {
      const id = (await store.cures(0)).at(-1 - act.nth)?.id ?? 999_999
      return store.endCure(fence, id, act.trial)
    }
    case 'approve':
      return store.approve({ ...act, by: 'ann', until: act.at + 5 })
    case 'prune':
      return store.prune(act.before)
  }
}

/** All that a store tells, without the ids, and in one order where the contract knows none. */
export async function allOf(store: Store): Promise<object> {
  const byText = <Item>(items: readonly Item[]) =>
    items.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
  return {
    entries: byText(await store.entries()),
    alarms: (await store.alarms(1000)).map(withoutId),
    backlog: [await store.backlog(0), await store.backlog(10)],
    cures: (await store.cures(5)).map(withoutId),
    approvals: byText(await store.approvals(10)),
    timeline: [await store.timeline({ limit: 1000 }), await store.timeline({ entry: 'queue', limit: 2 })],
  }
}

function withoutId<Item extends { readonly id: number }>({ id: _, ...rest }: Item): Omit<Item, 'id'> {
  return rest
}
