import { describe, expect, it } from 'vitest'
import type { CoordinatorFault } from '../../../src/core/cluster.ts'
import { CoordinatorLost } from '../../../src/core/redis-link.ts'
import type { Store } from '../../../src/core/store.ts'
import { journaledStore } from '../../../src/store/journaled.ts'
import { memoryStore } from '../../../src/store/open.ts'
import { storeContract } from '../../support/store/contract.ts'
import { alarm, commitOf } from '../../support/store/owed.ts'

storeContract('a shared store with a journal', () => journaledStore(memoryStore(), memoryStore()))

/** A store that can be cut off: then every act fails as it does without Redis. */
function cuttable() {
  const store = memoryStore()
  let fault: CoordinatorFault | null = null
  const cut = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'trouble' || name === Symbol.asyncDispose) return value
      return (...given: unknown[]) =>
        fault === null ? value.apply(target, given) : Promise.reject(new CoordinatorLost(fault, 'cut'))
    },
  })
  const set = (to: CoordinatorFault | null) => {
    fault = to
  }
  return { store, cut: cut as Store, set }
}

describe('the journal', () => {
  const raised = commitOf([{ alarm: alarm(), to: ['ops'], due: 0 }])

  it('is what is looked at while the shared store cannot be reached', async () => {
    const { cut, set } = cuttable()
    const store = journaledStore(cut, memoryStore())
    await store.commit(store.fence, raised)
    set('unreachable')
    expect(await store.entries()).toEqual([raised.record])
    expect(await store.alarms(10)).toHaveLength(1)
    await expect(store.entry('cache'), 'no round begins from old state').rejects.toThrow('cut')
  })

  it('keeps a commit whose answer was lost: it may have been carried out', async () => {
    const { cut, set } = cuttable()
    const journal = memoryStore()
    const store = journaledStore(cut, journal)
    set('unreachable')
    await expect(store.commit(store.fence, raised)).rejects.toBeInstanceOf(CoordinatorLost)
    expect(await journal.entry('cache'), 'the next look at it will tell').toBeNull()
    await store.assume()
    expect(await journal.entry('cache')).toEqual(raised.record)
    expect(await journal.alarms(1)).toMatchObject([{ status: 'pending' }])
  })

  it('gives back what the shared store has lost, and sends nothing again that it knows as sent', async () => {
    const journal = memoryStore()
    const first = journaledStore(memoryStore(), journal)
    await first.commit(first.fence, raised)
    await first.commit(first.fence, commitOf([{ alarm: alarm('raised', { key: 'b' }), to: ['ops'], due: 0 }]))
    const [sent] = await first.claim(first.fence, { channel: 'ops', at: 1e15, limit: 1 })
    await first.settle(first.fence, [{ id: sent?.id ?? 0, result: 'sent', at: 50 }])

    const empty = memoryStore()
    const second = journaledStore(empty, journal)
    await second.replay(second.fence)
    expect(await empty.entries()).toHaveLength(1)
    const waiting = await second.claim(second.fence, { channel: 'ops', at: 1e15, limit: 10 })
    expect(waiting.map((one) => one.alarm.problem.key)).toEqual(['b'])
  })

  it('knows what was sent although the shared store was lost before it could be told', async () => {
    const { cut, set } = cuttable()
    const journal = memoryStore()
    const store = journaledStore(cut, journal)
    await store.commit(store.fence, raised)
    const [sent] = await store.claim(store.fence, { channel: 'ops', at: 1e15, limit: 1 })
    set('unreachable')
    const settling = store.settle(store.fence, [{ id: sent?.id ?? 0, result: 'sent', at: 50 }])
    await expect(settling).rejects.toThrow('cut')
    expect(await journal.alarms(1)).toMatchObject([{ status: 'sent', settledAt: 50 }])
  })

  it('learns what other nodes have written and sent', async () => {
    const [shared, journal] = [memoryStore(), memoryStore()]
    const [one, other] = [journaledStore(shared, memoryStore()), journaledStore(shared, journal)]
    await one.commit(one.fence, raised)
    const [sent] = await one.claim(one.fence, { channel: 'ops', at: 1e15, limit: 1 })
    await one.settle(one.fence, [{ id: sent?.id ?? 0, result: 'sent', at: 50 }])
    await other.refresh(0)
    const empty = memoryStore()
    const after = journaledStore(empty, journal)
    await after.replay(after.fence)
    expect(await empty.entries()).toEqual([raised.record])
    expect(await empty.alarms(10)).toMatchObject([{ status: 'sent' }])
  })

  it('does not take a commit as done that was refused, nor one that has been looked at since', async () => {
    const { cut, set } = cuttable()
    const journal = memoryStore()
    const store = journaledStore(cut, journal)
    set('oom')
    await expect(store.commit(store.fence, raised)).rejects.toThrow('cut')
    await store.assume()
    set('unreachable')
    await expect(store.commit(store.fence, raised)).rejects.toThrow('cut')
    set(null)
    await store.entry('cache')
    await store.assume()
    expect(await journal.entries()).toEqual([])
  })

  it('knows the end of what another node was told of, though only the shared store knows who was told', async () => {
    const [shared, journal] = [memoryStore(), memoryStore()]
    const [one, other] = [journaledStore(shared, memoryStore()), journaledStore(shared, journal)]
    await one.commit(one.fence, raised)
    await other.commit(other.fence, commitOf([{ alarm: alarm('recovered'), to: 'told', due: 0 }]))
    expect(await journal.alarms(10)).toMatchObject([{ alarm: { kind: 'recovered' }, status: 'pending' }])
  })

  it('gives back a problem that whoever tells the entry does not know, and learns when it is over', async () => {
    const [shared, journal] = [memoryStore(), memoryStore()]
    const one = journaledStore(memoryStore(), journal)
    await one.commit(one.fence, raised)
    const ignorant = { ...commitOf([]), record: { ...commitOf([]).record, at: 5 } }
    await shared.commit(shared.fence, ignorant)
    const back = journaledStore(shared, journal)
    await back.replay(back.fence)
    expect((await shared.entry('cache'))?.state).toEqual(raised.record.state)

    await shared.commit(shared.fence, {
      ...commitOf([{ alarm: alarm('recovered'), to: 'told', due: 0 }]),
      record: { ...ignorant.record, at: 9 },
    })
    await back.replay(back.fence)
    expect((await shared.entry('cache'))?.state.problems).toEqual({})
    expect((await journal.entry('cache'))?.state.problems).toEqual({})
  })

  it('knows what a commit owed whose answer was lost, once the shared store has it', async () => {
    const [shared, journal] = [memoryStore(), memoryStore()]
    const deaf = {
      ...shared,
      async commit(...act: Parameters<Store['commit']>) {
        await shared.commit(...act)
        throw new CoordinatorLost('slow', 'no answer')
      },
    }
    const store = journaledStore(deaf, journal)
    await expect(store.commit(store.fence, raised)).rejects.toThrow('no answer')
    await store.entry('cache')
    expect(await journal.alarms(10)).toMatchObject([{ status: 'pending', channel: 'ops' }])
  })

  it('gives up its own name of a problem that others have raised meanwhile, with the word that waits', async () => {
    const [shared, journal] = [memoryStore(), memoryStore()]
    const { cut, set } = cuttable()
    const lost = journaledStore(cut, journal)
    set('unreachable')
    await expect(lost.commit(lost.fence, raised)).rejects.toThrow('cut')
    await lost.assume()
    const anew = alarm('raised', { raisedAt: 99 })
    await shared.commit(shared.fence, commitOf([{ alarm: anew, to: ['ops'], due: 0 }]))

    const back = journaledStore(shared, journal)
    await back.replay(back.fence)
    expect((await shared.alarms(10)).map((one) => one.alarm.occurrence)).toEqual([anew.occurrence])
    expect((await journal.entry('cache'))?.state.problems['memory']?.raisedAt).toBe(99)
    expect(await journal.alarms(10)).toEqual([])
  })
})
