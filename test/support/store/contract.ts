import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EntryRecord, Fenced, type Kept, type Store } from '../../../src/core/store.ts'
import { alarm, commitOf } from './owed.ts'

/** What every store promises, run on each of them. */
export function storeContract(name: string, open: () => Promise<Store> | Store): void {
  describe(`the store in ${name}`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(async () => {
      await store[Symbol.asyncDispose]()
    })

    const owe = (...alarms: ReturnType<typeof alarm>[]) => {
      return store.commit(
        store.fence,
        commitOf(alarms.map((one) => ({ alarm: one, to: ['ops'], due: one.at }))),
      )
    }
    const claim = (at = Number.MAX_SAFE_INTEGER, channel = 'ops') =>
      store.claim(store.fence, { channel, at, limit: 10 })

    it('gives back the record of an entry as it was committed', async () => {
      expect(await store.entry('cache')).toBeNull()
      const commit = commitOf([{ alarm: alarm(), to: ['ops'], due: 1 }])
      await store.commit(store.fence, commit)
      expect(await store.entry('cache')).toEqual(commit.record)
      expect(await store.entries()).toEqual([commit.record])
      expect(await store.timeline({ entry: 'cache', limit: 10 })).toEqual(commit.happenings)
    })

    it('writes an alarm owed twice only once, with its newest words, while it waits', async () => {
      await owe(alarm('raised', { summary: 'first' }))
      await owe(alarm('raised', { summary: 'second' }))
      expect((await claim()).map((one) => one.alarm.problem.summary)).toEqual(['second'])
    })

    it('never changes an alarm that is on its way', async () => {
      await owe(alarm('raised', { summary: 'first' }))
      await claim()
      await owe(alarm('raised', { summary: 'second' }))
      expect(await claim()).toEqual([])
      expect((await store.alarms(10)).map((one) => one.alarm.problem.summary)).toEqual(['first'])
    })

    it('puts the healing in place of an alarm that waits', async () => {
      await owe(alarm())
      const healed = alarm('healed')
      await store.commit(
        store.fence,
        commitOf([{ alarm: healed, to: ['ops'], due: 0, otherwise: alarm('recovered') }]),
      )
      expect((await claim()).map((one) => one.alarm.kind)).toEqual(['healed'])
    })

    it('owes the recovery where the alarm had left before the healing', async () => {
      await owe(alarm())
      await claim()
      const healed = alarm('healed')
      await store.commit(
        store.fence,
        commitOf([{ alarm: healed, to: ['ops'], due: 0, otherwise: alarm('recovered') }]),
      )
      expect((await claim()).map((one) => one.alarm.kind)).toEqual(['recovered'])
    })

    it('lets no alarm overtake an earlier one of the same problem that has to be sent again', async () => {
      await owe(alarm())
      const [first] = await claim()
      const id = first?.id ?? 0
      await store.settle(store.fence, [{ id, result: 'retry', at: 10, due: 5000, error: 'busy' }])
      const over = { alarm: alarm('recovered'), to: 'told', due: 0 } as const
      await store.commit(
        store.fence,
        commitOf([over, { alarm: alarm('raised', { key: 'x' }), to: ['ops'], due: 0 }]),
      )
      expect(await store.backlog(0)).toMatchObject([{ due: 0 }])
      expect((await claim(4999)).map((one) => one.alarm.problem.key)).toEqual(['x'])
      expect(await store.backlog(0)).toMatchObject([{ due: 5000 }])
      expect((await claim(5000)).map((one) => one.alarm.kind)).toEqual(['raised', 'recovered'])
    })

    it('tells a recovery to all who were told of the problem and to nobody else', async () => {
      await store.commit(store.fence, commitOf([{ alarm: alarm(), to: ['ops', 'boss'], due: 0 }]))
      await store.commit(
        store.fence,
        commitOf([{ alarm: alarm('raised', { key: 'other' }), to: ['night'], due: 0 }]),
      )
      await store.commit(store.fence, commitOf([{ alarm: alarm('recovered'), to: 'told', due: 0 }]))
      const told = (await store.alarms(10)).filter((one) => one.alarm.kind === 'recovered')
      expect(told.map(({ channel }) => channel).sort()).toEqual(['boss', 'ops'])
    })

    it('hands out only what is due, oldest first, and each alarm once', async () => {
      await owe(alarm('raised', { key: 'a' }, 100), alarm('raised', { key: 'b' }, 300))
      expect((await claim(200)).map((one) => one.alarm.problem.key)).toEqual(['a'])
      expect(await claim(200)).toEqual([])
      expect((await claim(400)).map((one) => one.alarm.problem.key)).toEqual(['b'])
    })

    it('hands an alarm out again after a failure, not before its time', async () => {
      await owe(alarm())
      const [one] = await claim()
      await store.settle(store.fence, [
        { id: one?.id ?? 0, result: 'retry', at: 10, due: 9e12, error: 'refused' },
      ])
      expect(await claim(8e12)).toEqual([])
      expect(await claim(9e12)).toMatchObject([{ attempts: 2, error: 'refused' }])
    })

    it('says what waits, since when, and what was given up lately', async () => {
      await owe(
        alarm('raised', { key: 'a' }, 100),
        alarm('raised', { key: 'b' }, 300),
        alarm('raised', { key: 'c' }, 400),
      )
      const [first] = await claim(200)
      await store.settle(store.fence, [
        { id: first?.id ?? 0, result: 'failed', at: 50, error: 'no such user' },
      ])
      expect(await store.backlog(0)).toEqual([
        { channel: 'ops', pending: 2, failed: 1, oldest: 300, due: 300 },
      ])
      expect(await store.backlog(51)).toMatchObject([{ failed: 0 }])
    })

    it('forgets nothing that is open or undelivered', async () => {
      await owe(alarm('raised', { key: 'open' }), alarm('raised', { key: 'stuck' }))
      const [open] = await claim()
      await store.settle(store.fence, [{ id: open?.id ?? 0, result: 'sent', at: 10 }])
      await store.prune(9e15)
      expect(await store.alarms(10)).toHaveLength(2)
      await store.commit(store.fence, {
        ...commitOf([{ alarm: alarm('recovered', { key: 'open' }), to: 'told', due: 0 }]),
      })
      await store.prune(9e15)
      const kept = (await store.alarms(10)).map((one) => `${one.alarm.kind} ${one.alarm.problem.key}`)
      expect(kept).toEqual(['recovered open', 'raised stuck'])
      expect(await store.timeline({ limit: 10 })).toEqual([])
    })

    it('hands over to another channel what could not be delivered for too long, once', async () => {
      await owe(alarm('raised', {}, 100))
      const [one] = await claim()
      const reroute = { from: 'ops', to: 'phone', createdBefore: 1000, at: 5 }
      expect(await store.reroute(store.fence, reroute)).toBe(0)
      await store.settle(store.fence, [
        { id: one?.id ?? 0, result: 'retry', at: 10, due: 20, error: 'refused' },
      ])
      expect(await store.reroute(store.fence, reroute)).toBe(1)
      expect(await store.reroute(store.fence, reroute)).toBe(0)
      expect((await claim(100, 'phone')).map(({ alarm: { dedupKey } }) => dedupKey)).toEqual([
        one?.alarm.dedupKey,
      ])
    })

    it('hands over to another channel in the order in which the alarms were owed', async () => {
      const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
      await owe(...keys.map((key) => alarm('raised', { key }, 100)))
      const settlements = (await claim()).map(
        ({ id }) => ({ id, result: 'failed', at: 10, error: 'no such user' }) as const,
      )
      await store.settle(store.fence, settlements)
      await store.reroute(store.fence, { from: 'ops', to: 'phone', createdBefore: 1000, at: 5 })
      expect((await claim(100, 'phone')).map((one) => one.alarm.problem.key)).toEqual(keys)
    })

    it('gives what waits for a channel that is gone to others, and what was sent there to nobody', async () => {
      await owe(alarm('raised', { key: 'sent' }), alarm('raised', { key: 'waits' }))
      const [first] = await store.claim(store.fence, { channel: 'ops', at: 1e15, limit: 1 })
      await store.settle(store.fence, [{ id: first?.id ?? 0, result: 'sent', at: 1 }])
      expect(await store.readdress(store.fence, { from: 'ops', to: ['new', 'other'] })).toBe(1)
      expect(await store.backlog(0)).toMatchObject([
        { channel: 'new', pending: 1 },
        { channel: 'other', pending: 1 },
      ])
      expect((await claim(1e15, 'new')).map((one) => one.alarm.problem.key)).toEqual(['waits'])
    })

    it('sends again whatever was being sent when the writer before ended', async () => {
      await owe(alarm('raised', { key: 'a' }), alarm('raised', { key: 'b' }))
      const [first, second] = await claim()
      await store.settle(store.fence, [{ id: first?.id ?? 0, result: 'sent', at: 10 }])
      expect(await claim()).toEqual([])
      await store.resume(store.fence)
      expect(await claim()).toMatchObject([{ id: second?.id, attempts: 2 }])
    })

    it('sends again what one channel had on its way, and leaves the others alone', async () => {
      await store.commit(store.fence, commitOf([{ alarm: alarm(), to: ['ops', 'boss'], due: 0 }]))
      await claim()
      await claim(undefined, 'boss')
      await store.resume(store.fence, 'boss')
      expect(await claim()).toEqual([])
      expect(await claim(undefined, 'boss')).toMatchObject([{ channel: 'boss', attempts: 2 }])
    })

    describe('what another store has kept meanwhile', () => {
      const { record } = commitOf([])
      const kept = (more: Partial<Kept>): Kept => ({ records: [], happenings: [], outgoing: [], ...more })
      const adopt = (more: Partial<Kept>) => store.adopt(store.fence, kept(more))
      const told = (one = alarm(), status: 'pending' | 'sending' | 'sent' | 'failed' = 'pending') => {
        const settledAt = status === 'sent' || status === 'failed' ? 70 : null
        return {
          channel: 'ops',
          alarm: one,
          status,
          createdAt: 100,
          due: 150,
          attempts: 1,
          error: null,
          settledAt,
        }
      }

      it('is taken where it is newer, or where there is nothing', async () => {
        await store.commit(store.fence, { ...commitOf([]), record: { ...record, at: 5 } })
        const other = { ...record, name: 'queue', at: 1 }
        await adopt({ records: [{ ...record, at: 5, took: 99 }, other] })
        expect((await store.entry('cache'))?.took).toBe(1)
        expect(await store.entry('queue')).toEqual(other)
        await adopt({ records: [{ ...record, at: 6, took: 99 }] })
        expect((await store.entry('cache'))?.took).toBe(99)
      })

      it('is a part of the timeline', async () => {
        const { happenings } = commitOf([])
        const older = { at: 0, entry: 'queue', problem: 'p', kind: 'raised', text: 'x' } as const
        await store.commit(store.fence, commitOf([]))
        await adopt({ happenings: [older] })
        expect(await store.timeline({ limit: 10 })).toEqual([older, ...happenings])
      })

      it('is sent where nobody was told yet', async () => {
        const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((key) => alarm('raised', { key }))
        await adopt({ outgoing: [told(a), told(b, 'sending'), told(c, 'sent'), told(d, 'failed')] })
        const { alarm: _, ...due } = told()
        expect(await claim(149)).toEqual([])
        expect(await claim(150)).toMatchObject([
          { ...due, alarm: a, status: 'sending', attempts: 2 },
          { ...due, alarm: b, status: 'sending', attempts: 2 },
        ])
        expect(await store.alarms(10)).toMatchObject([
          { ...told(d, 'failed') },
          { ...told(c, 'sent') },
          { alarm: b },
          { alarm: a },
        ])
      })

      it('counts when those who were told are to hear of the end', async () => {
        await adopt({ outgoing: [{ ...told(alarm(), 'sent'), channel: 'boss' }] })
        await store.commit(store.fence, commitOf([{ alarm: alarm('recovered'), to: 'told', due: 0 }]))
        expect((await claim(1e15, 'boss')).map((one) => one.alarm.kind)).toEqual(['recovered'])
      })

      it('ends the sending of an alarm that has arrived', async () => {
        await owe(alarm('raised', { key: 'waits' }), alarm('raised', { key: 'leaves' }))
        await store.claim(store.fence, { channel: 'ops', at: 1e15, limit: 1 })
        const both = ['waits', 'leaves'].map((key) => told(alarm('raised', { key }), 'sent'))
        await adopt({ outgoing: both })
        await adopt({ outgoing: both })
        await store.resume(store.fence)
        expect(await claim()).toEqual([])
        const known = await store.alarms(10)
        expect(known.map(({ status, settledAt }) => [status, settledAt])).toEqual([
          ['sent', 70],
          ['sent', 70],
        ])
      })

      it('changes nothing else of an alarm that is known', async () => {
        await owe(alarm())
        await adopt({ outgoing: [told(alarm(), 'failed'), { ...told(), due: 9e12 }] })
        expect(await claim()).toMatchObject([{ attempts: 1, due: alarm().at }])
      })

      it('is refused from a writer that a newer one has replaced', async () => {
        const stale = { epoch: store.fence.epoch - 1 }
        await expect(store.adopt(stale, kept({ records: [record] }))).rejects.toBeInstanceOf(Fenced)
        expect(await store.entries()).toEqual([])
      })
    })

    it('counts a cure from the moment it begins', async () => {
      const begun = {
        at: 10,
        entry: 'cache',
        problem: 'memory',
        severity: 'critical',
        title: 'purge',
        actor: 'ann',
      } as const
      const id = await store.beginCure(store.fence, begun)
      expect(await store.cures(0)).toEqual([{ ...begun, id, trial: null }])
      const trial = { at: 10, title: 'purge', result: 'healed', took: 5, detail: null } as const
      await store.endCure(store.fence, id, trial)
      expect(await store.cures(0)).toEqual([{ ...begun, id, trial }])
      expect(await store.cures(11)).toEqual([])
    })

    it('keeps a consent until it ends', async () => {
      const approval = { entry: 'cache', problem: 'memory', by: 'ann', at: 1, until: 100 }
      await store.approve(approval)
      expect(await store.approvals(99)).toEqual([approval])
      expect(await store.approvals(100)).toEqual([])
    })

    it('takes a consent for one attempt', async () => {
      await store.approve({ entry: 'cache', problem: 'memory', by: 'ann', at: 1, until: 100 })
      await store.approve({ entry: 'cache', problem: 'other', by: 'ann', at: 1, until: 100 })
      const begun = {
        at: 10,
        entry: 'cache',
        problem: 'memory',
        severity: 'warning',
        title: 't',
        actor: 'ann',
      } as const
      await store.beginCure(store.fence, begun)
      expect((await store.approvals(50)).map(({ problem }) => problem)).toEqual(['other'])
    })

    describe('keeps one name for one spell', () => {
      const told = (more: Parameters<typeof alarm>[1] = {}, status: 'pending' | 'sent' = 'pending') => ({
        channel: 'ops',
        alarm: alarm('raised', more),
        status,
        createdAt: 1,
        due: 0,
        attempts: 0,
        error: null,
        settledAt: status === 'sent' ? 5 : null,
      })
      const adopt = (...outgoing: Kept['outgoing'][number][]) =>
        store.adopt(store.fence, { records: [], happenings: [], outgoing })
      const spells = async () => new Set((await store.alarms(10)).map((one) => one.alarm.occurrence))
      const raisedAt = async () => (await store.entry('cache'))?.state.problems['memory']?.raisedAt

      it('where a commit raises anew what was raised since its writer looked', async () => {
        await owe(alarm())
        const anew = alarm('raised', { raisedAt: 99 })
        const written = await store.commit(
          store.fence,
          commitOf([{ alarm: anew, to: ['ops', 'boss'], due: 1 }]),
        )
        expect(await spells()).toEqual(new Set([alarm().occurrence]))
        expect(await raisedAt()).toBe(alarm().problem.raisedAt)
        expect(written.record).toEqual(await store.entry('cache'))
        expect((await store.alarms(10)).map(({ channel }) => channel).sort()).toEqual(['boss', 'ops'])
      })

      it('and ends it under that name', async () => {
        await owe(alarm())
        const over = { alarm: alarm('recovered', { raisedAt: 99 }), to: 'told', due: 1 } as const
        await store.commit(store.fence, commitOf([over]))
        expect((await store.alarms(10)).map((one) => one.alarm.kind)).toEqual(['recovered', 'raised'])
        expect(await spells()).toEqual(new Set([alarm().occurrence]))
        expect(await raisedAt()).toBeUndefined()
      })

      it('where a commit knows nothing of it: it stays raised, for the next telling to end it', async () => {
        await owe(alarm())
        await store.commit(store.fence, commitOf([]))
        expect(await raisedAt()).toBe(alarm().problem.raisedAt)
      })

      it('and forgets no record in which it is raised', async () => {
        await owe(alarm())
        await store.commit(store.fence, { ...commitOf([]), isGone: true })
        expect(await raisedAt()).toBe(alarm().problem.raisedAt)
        const over = { alarm: alarm('withdrawn'), to: 'told', due: 1 } as const
        await store.commit(store.fence, { ...commitOf([over]), isGone: true })
        expect(await store.entry('cache')).toBeNull()
      })

      it('but a new spell after the end has a name of its own', async () => {
        await owe(alarm())
        await store.commit(store.fence, commitOf([{ alarm: alarm('recovered'), to: 'told', due: 1 }]))
        await owe(alarm('raised', { raisedAt: 99 }))
        expect((await spells()).size).toBe(2)
        expect(await raisedAt()).toBe(99)
      })

      it('where an alarm is taken over that waits, and people hear of its problem already', async () => {
        await owe(alarm())
        await adopt(told({ raisedAt: 99 }))
        expect(await spells()).toEqual(new Set([alarm().occurrence]))
      })

      it('and says that it declines it, so that its giver forgets it', async () => {
        await owe(alarm())
        const other = told({ raisedAt: 99 })
        expect(await adopt(other, told())).toEqual([other.alarm.occurrence])
        const declined = [alarm().occurrence]
        await store.adopt(store.fence, { records: [], happenings: [], outgoing: [], declined })
        expect(await store.alarms(10)).toEqual([])
      })

      it('where people heard of a later spell, begun and ended, what waits of an earlier one is declined', async () => {
        const ended = commitOf([{ alarm: alarm('healed', { raisedAt: 120 }), to: ['ops'], due: 0 }])
        const raises = { memory: [120] }
        const state = { ...ended.record.state, raises }
        await store.commit(store.fence, { ...ended, record: { ...ended.record, at: 200, state } })
        const { record } = commitOf([{ alarm: alarm('raised', { raisedAt: 99 }), to: [], due: 0 }])
        const waiting = { ...told({ raisedAt: 99 }) }
        for (const at of [150, 250]) {
          const kept = { records: [{ ...record, at }], happenings: [], outgoing: [waiting] }
          expect(await store.adopt(store.fence, kept)).toEqual([waiting.alarm.occurrence])
          expect((await store.entry('cache'))?.state.problems).toEqual({})
        }
        expect((await store.alarms(10)).map((one) => one.alarm.kind)).toEqual(['healed'])
      })

      it('and so is what waits of a later one, raised before the spell that they heard of had ended', async () => {
        const ended = commitOf([{ alarm: alarm('healed', { raisedAt: 120 }, 190), to: ['ops'], due: 0 }])
        const state = { ...ended.record.state, raises: { memory: [120] } }
        await store.commit(store.fence, { ...ended, record: { ...ended.record, at: 200, state } })
        const known = async () => Object.keys((await store.entry('cache'))?.state.problems ?? {})
        const adoptRaised = async (raisedAt: number) => {
          const { record } = commitOf([{ alarm: alarm('raised', { raisedAt }), to: [], due: 0 }])
          const outgoing = [told({ raisedAt })]
          return store.adopt(store.fence, { records: [{ ...record, at: 195 }], happenings: [], outgoing })
        }
        expect([await adoptRaised(150), await known()]).toEqual([
          [told({ raisedAt: 150 }).alarm.occurrence],
          [],
        ])
        expect([await adoptRaised(191), await known()], 'a spell of its own').toEqual([[], ['memory']])
      })

      it('but not where that later one is the same spell, which got the name of the first', async () => {
        const spell = (raisedAt: number, at: number) => {
          const { record } = commitOf([{ alarm: alarm('raised', { raisedAt }), to: [], due: 0 }])
          return { ...record, at, state: { ...record.state, raises: { memory: [raisedAt] } } }
        }
        const commit = (record: EntryRecord) =>
          store.commit(store.fence, { record, happenings: [], owed: [] })
        await commit(spell(99, 1))
        const { record } = await commit(spell(120, 2))
        expect(record.state.raises).toEqual({ memory: [99] })
        const kept = { records: [spell(130, 3)], happenings: [], outgoing: [told({ raisedAt: 99 })] }
        expect(await store.adopt(store.fence, kept)).toEqual([])
        expect((await store.entry('cache'))?.state.raises).toEqual({ memory: [99] })
        expect((await store.alarms(10)).map((one) => one.alarm.problem.raisedAt)).toEqual([99])
      })

      it('nor where nobody heard of that later one', async () => {
        const { record } = commitOf([])
        const kept = { ...record, at: 9, state: { ...record.state, raises: { memory: [99, 120] } } }
        const [first, later] = [told({ raisedAt: 99 }), told({ raisedAt: 120 })]
        const both = { records: [kept], happenings: [], outgoing: [first, later] }
        expect(await store.adopt(store.fence, both)).toEqual([later.alarm.occurrence])
        expect(await spells()).toEqual(new Set([first.alarm.occurrence]))
      })

      it('but what people have heard of it is ended', async () => {
        const ended = commitOf([{ alarm: alarm('healed', { raisedAt: 120 }), to: ['ops'], due: 0 }])
        const state = { ...ended.record.state, raises: { memory: [120] } }
        await store.commit(store.fence, { ...ended, record: { ...ended.record, at: 200, state } })
        const { record } = commitOf([{ alarm: alarm('raised', { raisedAt: 99 }), to: [], due: 0 }])
        const outgoing = [told({ raisedAt: 99 }, 'sent')]
        await store.adopt(store.fence, { records: [{ ...record, at: 150 }], happenings: [], outgoing })
        expect(await raisedAt(), 'for the next telling to end it').toBe(99)
      })

      it('where an alarm is taken over before its problem is raised here', async () => {
        await adopt(told())
        expect(await raisedAt()).toBe(alarm().problem.raisedAt)
        await owe(alarm('raised', { raisedAt: 99 }))
        expect(await spells()).toEqual(new Set([alarm().occurrence]))
      })

      it('and ends for them what people were told under another name', async () => {
        await owe(alarm())
        await claim()
        await adopt(told({ raisedAt: 99 }, 'sent'))
        const known = (await store.alarms(10)).map((one) => [
          one.status,
          one.alarm.kind,
          one.alarm.problem.raisedAt,
        ])
        const first = alarm().problem.raisedAt
        expect(known).toEqual([
          ['pending', 'withdrawn', 99],
          ['sent', 'raised', 99],
          ['sending', 'raised', first],
        ])
        expect(await raisedAt()).toBe(alarm().problem.raisedAt)
      })

      it('that of which people heard, where they have heard nothing of the other', async () => {
        await owe(alarm())
        await adopt(told({ raisedAt: 99 }, 'sent'))
        expect((await store.alarms(10)).map((one) => [one.status, one.alarm.problem.raisedAt])).toEqual([
          ['sent', 99],
        ])
        expect(await raisedAt()).toBe(99)
        const over = { alarm: alarm('recovered', { raisedAt: 99 }), to: 'told', due: 1 } as const
        await store.commit(store.fence, commitOf([over]))
        expect((await store.alarms(10))[0]?.alarm.kind, 'told to those who heard of it').toBe('recovered')
      })

      it('that of which an alarm is left, where there is none of the other', async () => {
        const { record } = commitOf([{ alarm: alarm(), to: [], due: 0 }])
        await store.commit(store.fence, { record, happenings: [], owed: [] })
        expect(await adopt(told({ raisedAt: 99 }))).toEqual([])
        expect(await raisedAt()).toBe(99)
        expect(await spells()).toEqual(new Set([alarm('raised', { raisedAt: 99 }).occurrence]))
      })

      it('that of two records of which people heard', async () => {
        await owe(alarm())
        const { record } = commitOf([{ alarm: alarm('raised', { raisedAt: 99 }), to: [], due: 0 }])
        const outgoing = [told({ raisedAt: 99 }, 'sent')]
        for (const at of [0, 9])
          await store.adopt(store.fence, { records: [{ ...record, at }], happenings: [], outgoing })
        expect(await raisedAt()).toBe(99)
        expect(await spells()).toEqual(new Set([alarm('raised', { raisedAt: 99 }).occurrence]))
      })

      it('that of a store which is right about it', async () => {
        await owe(alarm())
        const { record } = commitOf([{ alarm: alarm('raised', { raisedAt: 99 }), to: [], due: 0 }])
        const kept = { records: [record], happenings: [], outgoing: [], overrules: true }
        await store.adopt(store.fence, kept)
        expect(await raisedAt()).toBe(99)
        expect(await store.alarms(10), 'what waits under the other name').toEqual([])
      })

      it('both where both are new: only what waited before is forgotten', async () => {
        const { record } = commitOf([])
        const raised = { ...record, state: { ...record.state, raises: { memory: [2] } } }
        const outgoing = [told({ raisedAt: 2 }), told({ raisedAt: 1 })]
        const kept = { records: [raised], happenings: [], outgoing, overrules: true }
        await store.adopt(store.fence, kept)
        expect(await spells()).toEqual(new Set(outgoing.map((one) => one.alarm.occurrence)))
      })
    })

    it('takes over nothing as told of which no alarm is left: the next telling owes it again', async () => {
      const told = alarm('raised', { toldAt: 7 })
      const lost = alarm('raised', { key: 'lost', toldAt: 7 })
      await owe(told)
      const { record } = commitOf([
        { alarm: told, to: [], due: 0 },
        { alarm: lost, to: [], due: 0 },
      ])
      await store.adopt(store.fence, { records: [{ ...record, at: 9 }], happenings: [], outgoing: [] })
      const { problems = {} } = (await store.entry('cache'))?.state ?? {}
      expect(Object.values(problems).map(({ key, toldAt }) => [key, toldAt])).toEqual([
        ['', 7],
        ['lost', null],
      ])
    })

    it('refuses every mark of a writer that a newer one has replaced', async () => {
      const stale = { epoch: store.fence.epoch - 1 }
      await expect(store.commit(stale, commitOf([]))).rejects.toBeInstanceOf(Fenced)
      await expect(store.claim(stale, { channel: 'ops', at: 1, limit: 1 })).rejects.toBeInstanceOf(Fenced)
      await expect(store.settle(stale, [])).rejects.toBeInstanceOf(Fenced)
      const begun = { at: 1, entry: 'e', problem: 'p', severity: 'warning', title: 't', actor: 'a' } as const
      await expect(store.beginCure(stale, begun)).rejects.toBeInstanceOf(Fenced)
      const trial = { at: 10, title: 'purge', result: 'healed', took: 5, detail: null } as const
      await expect(store.endCure(stale, 1, trial)).rejects.toBeInstanceOf(Fenced)
      const reroute = { from: 'ops', to: 'phone', createdBefore: 1000, at: 5 }
      await expect(store.reroute(stale, reroute)).rejects.toBeInstanceOf(Fenced)
      await expect(store.readdress(stale, { from: 'ops', to: ['new'] })).rejects.toBeInstanceOf(Fenced)
      await expect(store.resume(stale)).rejects.toBeInstanceOf(Fenced)
      expect(await store.entry('cache')).toBeNull()
    })
  })
}
