import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CoordinatorLost, type RedisLink } from '../../../src/core/redis-link.ts'
import { Fenced, type Store } from '../../../src/core/store.ts'
import { render } from '../../../src/core/text.ts'
import { memoryStore } from '../../../src/store/open.ts'
import { redisReader } from '../../../src/store/redis.ts'
import { openTestLink, type TestLink } from '../../support/cluster/redis-link.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { allOf, perform, type StoreAct } from '../../support/store/acts.ts'
import { alarm, commitOf } from '../../support/store/owed.ts'
import { freshStores, newEpoch, storeAt } from '../../support/store/redis-stores.ts'

const cure = { at: 1, entry: 'cache', problem: 'p', severity: 'warning', title: 't', actor: 'ann' } as const
const trial = { at: 1, title: 't', result: 'healed', took: 1, detail: null } as const
const soon = { channel: 'ops', at: 1e15, limit: 1000 } as const

describeWith(['redis'], 'a store over Redis that several nodes share', () => {
  let redis: Redis
  let link: TestLink
  let open: ReturnType<typeof freshStores>
  let store: Store & { readonly prefix: string }
  beforeAll(async () => {
    redis = await startRedis()
    link = await openTestLink(redis)
    open = freshStores(link)
  })
  beforeEach(async () => {
    store = await open()
  })
  afterAll(async () => {
    await link[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  const owe = (to: Store, key: string, channels = ['ops'], at = 1) =>
    to.commit(store.fence, commitOf([{ alarm: alarm('reminded', { key }, at), to: channels, due: 0 }]))

  it('loses nothing and sends nothing twice, however many write at once', async () => {
    await using stack = new AsyncDisposableStack()
    const writers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        return storeAt(stack.use(await openTestLink(redis)), store.prefix, store.fence)
      }),
    )
    const wanted = Array.from({ length: 40 }, (_, at) => at + 1)
    const writing = wanted.map((at) => owe(writers[at % 4] ?? store, 'same', ['ops', 'boss'], at))
    let isWriting = true
    const written = Promise.all(writing).finally(() => {
      isWriting = false
    })
    const sent: number[] = []
    const send = async (by: Store) => {
      const claimed = await by.claim(store.fence, { ...soon, limit: 3 })
      sent.push(...claimed.map((one) => one.alarm.at))
      await by.settle(
        store.fence,
        claimed.map(({ id }) => ({ id, result: 'sent', at: 5 })),
      )
      return claimed.length
    }
    const couriers = writers.slice(0, 2).map(async (by) => {
      while (isWriting || (await send(by)) > 0) await send(by)
    })
    await Promise.all([written, ...couriers])
    while ((await send(store)) > 0);
    expect(sent.toSorted((a, b) => a - b)).toEqual(wanted)
    expect(await store.backlog(0)).toMatchObject([{ channel: 'boss', pending: wanted.length }])
    const told = (await store.timeline({ limit: 1000 })).filter(({ kind }) => kind === 'told')
    expect(told).toHaveLength(wanted.length)
  })

  describe('that is changed by another between reading and writing', () => {
    /** A store whose link does something else just before each of its first scripts. */
    const meddledWith = (times: number, meddle: () => Promise<unknown>) => {
      const meddling: RedisLink = {
        ...link,
        async run(...script) {
          if (times-- > 0) await meddle()
          return link.run(...script)
        },
      }
      return storeAt(meddling, store.prefix, store.fence)
    }

    it('decides again by what is there then', async () => {
      await owe(store, 'a')
      const late = meddledWith(1, () => store.claim(store.fence, soon))
      expect(await late.claim(store.fence, soon)).toEqual([])
      const [first] = await store.alarms(1)
      expect(first).toMatchObject({ status: 'sending', attempts: 1 })
    })

    it('never hands out words that were replaced meanwhile', async () => {
      const reworded = (summary: string) =>
        store.commit(
          store.fence,
          commitOf([{ alarm: alarm('raised', { key: 'a', summary }), to: ['ops'], due: 0 }]),
        )
      await reworded('first')
      const late = meddledWith(1, () => reworded('second'))
      expect((await late.claim(store.fence, soon)).map((one) => one.alarm.problem.summary)).toEqual([
        'second',
      ])
    })

    it('gives up in the end, says so, and has written nothing', async () => {
      await owe(store, 'a')
      let at = 0
      const never = meddledWith(1000, () => owe(store, 'a', ['ops'], ++at + 100))
      await expect(owe(never, 'a', ['boss'])).rejects.toThrow('others changed the store in Redis 50 times')
      expect((await store.backlog(0)).map(({ channel }) => channel)).toEqual(['ops'])
    })

    it('refuses a writer whose time ended in between, whatever it was about to write', async () => {
      await owe(store, 'a', ['ops', 'boss'])
      const [failing] = await store.claim(store.fence, { ...soon, channel: 'boss' })
      const id = failing?.id ?? 0
      await store.settle(store.fence, [{ id, result: 'failed', at: 1, error: 'gone' }])
      const cureId = await store.beginCure(store.fence, cure)
      const acts: Record<string, (by: Store) => Promise<unknown>> = {
        commit: (by) => owe(by, 'b'),
        claim: (by) => by.claim(store.fence, soon),
        settle: (by) => by.settle(store.fence, [{ id, result: 'sent', at: 1 }]),
        resume: (by) => by.resume(store.fence),
        reroute: (by) => by.reroute(store.fence, { from: 'boss', to: 'phone', createdBefore: 1e15, at: 1 }),
        readdress: (by) => by.readdress(store.fence, { from: 'ops', to: ['phone'] }),
        adopt: (by) =>
          by.adopt(store.fence, { records: [], happenings: commitOf([]).happenings, outgoing: [] }),
        beginCure: (by) => by.beginCure(store.fence, cure),
        endCure: (by) => by.endCure(store.fence, cureId, trial),
      }
      const before = await allOf(store)
      for (const [name, act] of Object.entries(acts)) {
        await newEpoch(link, store.prefix, 2)
        const late = meddledWith(1, () => newEpoch(link, store.prefix, 3))
        const refused = await act(late).catch((error: unknown) => error)
        expect(refused, name).toBeInstanceOf(Fenced)
        expect(String(refused), name).toContain('epoch 2 is over')
        expect(await allOf(store), name).toEqual(before)
      }
    })
  })

  it('writes an act as a whole or not at all where memory is full, and says what is wrong', async () => {
    await using mirror = memoryStore()
    const { record, happenings } = commitOf([])
    const raised = { alarm: alarm('raised', { key: 'a' }), to: ['ops', 'boss'], due: 0 }
    const delivered = {
      status: 'sent',
      createdAt: 1,
      due: 1,
      attempts: 1,
      error: null,
      settledAt: 3,
    } as const
    const kept = { channel: 'new', alarm: raised.alarm, ...delivered }
    const first: StoreAct[] = [
      { type: 'commit', commit: { record, happenings, owed: [raised] } },
      { type: 'claim', channel: 'ops', at: 9, limit: 1 },
      { type: 'beginCure', cure },
    ]
    const whenFull: StoreAct[] = [
      { type: 'commit', commit: commitOf([{ ...raised, alarm: alarm('raised', { key: 'b' }) }]) },
      { type: 'commit', commit: commitOf([{ ...raised, due: 7 }]) },
      { type: 'commit', commit: { ...commitOf([raised]), isGone: true } },
      { type: 'claim', channel: 'boss', at: 9, limit: 1 },
      { type: 'settle', settlements: [{ id: 0, nth: 1, result: 'sent', at: 5 }] },
      { type: 'readdress', from: 'boss', to: ['phone', 'night'] },
      { type: 'resume' },
      { type: 'reroute', from: 'ops', to: 'phone', at: 1e15 },
      {
        type: 'adopt',
        kept: { records: [], happenings, outgoing: [kept] },
      },
      { type: 'beginCure', cure },
      { type: 'endCure', nth: 0, trial },
      { type: 'prune', before: 8 },
    ]
    for (const act of first) expect(await perform(store, act)).toEqual(await perform(mirror, act))
    await redis.cli('config', 'set', 'maxmemory', 1)
    try {
      let refused = 0
      for (const act of whenFull) {
        const before = await allOf(store)
        const answer = await perform(store, act).catch((error: unknown) => error)
        if (answer instanceof CoordinatorLost) {
          refused++
          expect(answer.fault).toBe('oom')
          expect(render(store.trouble()?.text ?? '')).toContain('has no memory left')
          expect(store.trouble()?.isWritable).toBe(false)
          expect(await allOf(store), act.type).toEqual(before)
          continue
        }
        expect(answer, act.type).toEqual(await perform(mirror, act))
        expect(await allOf(store), act.type).toEqual(await allOf(mirror))
      }
      expect(refused).toBeGreaterThan(4)
    } finally {
      await redis.cli('config', 'set', 'maxmemory', 0)
    }
    await owe(store, 'c')
    expect(store.trouble()).toBeNull()
  })

  it('says that Redis cannot be reached until it can', async () => {
    let isLost = true
    const lossy: RedisLink = {
      ...link,
      async call(...command) {
        if (isLost) throw new CoordinatorLost('unreachable', 'closed')
        return link.call(...command)
      },
    }
    const far = storeAt(lossy, store.prefix, store.fence)
    await expect(far.entries()).rejects.toBeInstanceOf(CoordinatorLost)
    expect(render(far.trouble()?.text ?? '')).toContain('cannot be reached')
    isLost = false
    expect(await far.entries()).toEqual([])
    expect(far.trouble()).toBeNull()
  })

  it('keeps the newest lines of its timeline, and of those what is young enough', async () => {
    const { record } = commitOf([])
    const line = (at: number, entry = 'cache') =>
      ({ at, entry, problem: 'p', kind: 'found', text: `${at}` }) as const
    const tell = (happenings: readonly ReturnType<typeof line>[]) =>
      store.commit(store.fence, { record, happenings, owed: [] })
    await tell([line(1, 'rare')])
    await tell(Array.from({ length: 15_000 }, (_, at) => line(at + 10)))
    expect(await store.timeline({ entry: 'rare', limit: 5 })).toEqual([line(1, 'rare')])
    await tell(Array.from({ length: 15_000 }, (_, at) => line(at + 100_000)))
    await tell([line(7, 'rare')])
    const all = await store.timeline({ limit: 1e6 })
    expect(all.length).toBeGreaterThanOrEqual(20_000)
    expect(all.length).toBeLessThan(20_500)
    expect(all.slice(0, 2)).toEqual([line(7, 'rare'), line(114_999)])
    await store.prune(114_998)
    expect((await store.timeline({ limit: 10 })).map(({ at }) => at)).toEqual([114_999, 114_998])
  })

  it('copes with an outbox of thousands', async () => {
    const many = Array.from({ length: 3000 }, (_, at) => ({
      alarm: alarm('raised', { key: `k${at}` }, at),
      to: ['ops'],
      due: at,
    }))
    await store.commit(store.fence, commitOf(many))
    expect(await store.readdress(store.fence, { from: 'ops', to: ['phone', 'night'] })).toBe(3000)
    const claimed = await store.claim(store.fence, { ...soon, channel: 'night', limit: 2500 })
    expect(claimed.map((one) => one.alarm.at)).toEqual(many.slice(0, 2500).map(({ due }) => due))
    const settlements = claimed.map(({ id }) => ({ id, result: 'failed', at: 5, error: 'gone' }) as const)
    await store.settle(store.fence, settlements)
    expect(await store.backlog(0)).toMatchObject([
      { channel: 'night', pending: 500, failed: 2500, due: 2500 },
      { channel: 'phone', pending: 3000, failed: 0, due: 0 },
    ])
    await store.commit(store.fence, { ...commitOf(many), owed: [], isGone: true })
    await store.prune(6)
    expect(await store.alarms(9999)).toHaveLength(3500)
  })

  it("lets a person's command look and consent without being a member", async () => {
    const { record } = commitOf([])
    await store.commit(store.fence, commitOf([]))
    const reader = redisReader(link, store.prefix)
    expect(await reader.entries()).toEqual([record])
    const approval = { entry: 'cache', problem: 'p', by: 'ann', at: 1, until: 100 }
    await reader.approve(approval)
    expect(await store.approvals(1)).toEqual([approval])
  })
})
