import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Channel, type Digest, TryLater, Undeliverable } from '../../../src/core/channel.ts'
import type { EngineEvent } from '../../../src/core/observer.ts'
import type { AlarmPolicy, ChannelEntry } from '../../../src/core/plan.ts'
import { createRedactor } from '../../../src/core/secret.ts'
import { english } from '../../../src/core/text.ts'
import { createCourier } from '../../../src/engine/courier.ts'
import { soleTerm } from '../../../src/engine/term.ts'
import { memoryStore } from '../../../src/store/open.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { noAlarmPolicy } from '../../support/rounds.ts'
import { alarm, commitOf } from '../../support/store/owed.ts'

type Send = (digest: Digest, signal: AbortSignal) => Promise<void> | void

function channelEntry(name: string, send: Send): ChannelEntry {
  const channel: Channel = {
    title: name,
    options: z.unknown(),
    send: async ({ digest, signal }) => {
      await send(digest, signal)
      return undefined
    },
  }
  return { name, kind: 'test', channel, options: {} }
}

function desk(
  channels: readonly ChannelEntry[],
  policy: Partial<AlarmPolicy> = {},
  secrets: readonly string[] = [],
  store = memoryStore(),
) {
  const clock = fakeClock(Date.parse('2026-11-20T03:00:00Z'))
  const events: EngineEvent[] = []
  const courier = createCourier({
    clock,
    store,
    channels,
    redact: createRedactor(secrets),
    observe: (event) => events.push(event),
    alarms: { ...noAlarmPolicy, ...policy },
    language: english,
    platform: 'shop',
    node: 'n1',
  })
  const ending = new AbortController()
  const term = soleTerm(store.fence, ending.signal)
  const running = courier.run(term)
  const owe = async (key: string, to: readonly string[] = ['ops']) => {
    const raised = alarm('raised', { key }, clock.now())
    await store.commit(store.fence, commitOf([{ alarm: raised, to, due: clock.now() }]))
    courier.wake()
  }
  const end = async () => {
    ending.abort('SIGTERM')
    await clock.until(running)
  }
  return { clock, store, events, owe, end, courier, term }
}

const keysOf = (digest: Digest) => digest.alarms.map(({ key }) => key)

describe('the courier', () => {
  it('lets alarms gather for the grouping window and sends them as one digest', async () => {
    const sent: string[][] = []
    const { clock, owe, end } = desk([channelEntry('ops', (digest) => void sent.push(keysOf(digest)))])
    await owe('a')
    await clock.advance(6000)
    await owe('b')
    expect(sent).toEqual([])
    await clock.advance(4500)
    expect(sent).toEqual([['a', 'b']])
    await end()
  })

  it('tries again with the same key, waiting longer each time', async () => {
    const tries: { at: number; key: string }[] = []
    const { clock, owe, end } = desk([
      channelEntry('ops', (digest) => {
        tries.push({ at: clock.elapsed(), key: digest.alarms[0]?.dedupKey ?? '' })
        if (tries.length < 4) throw new Error('connection refused')
      }),
    ])
    await owe('a')
    await clock.advance(120_000)
    expect(tries.map(({ at }) => Math.round(at / 1000))).toEqual([10, 15, 25, 45])
    expect(new Set(tries.map(({ key }) => key)).size).toBe(1)
    await end()
  })

  it('waits as long as the receiver asked for', async () => {
    let tries = 0
    const { clock, owe, end } = desk([
      channelEntry('ops', () => {
        if (tries++ === 0) throw new TryLater('too many requests', 90_000)
      }),
    ])
    await owe('a')
    await clock.advance(95_000)
    expect(tries).toBe(1)
    await clock.advance(10_000)
    expect(tries).toBe(2)
    await end()
  })

  it('is not held up by a channel that hangs', async () => {
    const sent: string[] = []
    const { clock, owe, store, end } = desk([
      channelEntry('stuck', () => new Promise<void>(() => {})),
      channelEntry('ops', (digest) => void sent.push(...keysOf(digest))),
    ])
    await owe('a', ['stuck', 'ops'])
    await clock.advance(10_500)
    await owe('b', ['stuck', 'ops'])
    await clock.advance(10_500)
    expect(sent).toEqual(['a', 'b'])
    await clock.advance(60_000)
    expect(await store.backlog(0)).toMatchObject([{ channel: 'stuck', pending: 2 }])
    await end()
  })

  it('gives up what the receiver refuses for good, says so, and hands it to the fallback', async () => {
    const phone: string[] = []
    const { clock, owe, events, end } = desk(
      [
        channelEntry('ops', () => {
          throw new Undeliverable('no such user')
        }),
        channelEntry('phone', (digest) => void phone.push(...keysOf(digest))),
      ],
      { fallback: 'phone' },
    )
    await owe('a')
    await clock.advance(30_000)
    expect(phone).toEqual(['a'])
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'alarm-settled', result: 'failed', error: 'no such user' }),
    )
    await end()
  })

  it('hands over to the fallback what has waited too long, and goes on trying', async () => {
    const phone: string[] = []
    let isUp = false
    const ops: string[] = []
    const { clock, owe, end } = desk(
      [
        channelEntry('ops', (digest) => {
          if (!isUp) throw new Error('connection refused')
          ops.push(...keysOf(digest))
        }),
        channelEntry('phone', (digest) => void phone.push(...keysOf(digest))),
      ],
      { fallback: 'phone', fallbackAfter: 300_000 },
    )
    await owe('a')
    await clock.advance(290_000)
    expect(phone).toEqual([])
    await clock.advance(30_000)
    expect(phone).toEqual(['a'])
    isUp = true
    await clock.advance(400_000)
    expect(ops).toEqual(['a'])
    expect(phone).toEqual(['a'])
    await end()
  })

  it('puts back what was on its way when the term ends', async () => {
    const { clock, owe, store, end } = desk([channelEntry('ops', () => new Promise<void>(() => {}))])
    await owe('a')
    await clock.advance(11_000)
    await end()
    expect(await store.alarms(1)).toMatchObject([{ status: 'pending' }])
  })

  it('sends a digest once although the store could not be told at first', async () => {
    const sent: string[] = []
    const store = memoryStore()
    let refusals = 2
    const forgetful = {
      ...store,
      settle: (...args: Parameters<typeof store.settle>) => {
        if (refusals-- > 0) return Promise.reject(new Error('disk I/O error'))
        return store.settle(...args)
      },
    }
    const channels = [channelEntry('ops', (digest) => void sent.push(...keysOf(digest)))]
    const { clock, owe, events, end } = desk(channels, {}, [], forgetful)
    await owe('a')
    await clock.advance(60_000)
    expect(sent).toEqual(['a'])
    expect(events.filter(({ type }) => type === 'courier-failed')).toHaveLength(2)
    expect(await store.alarms(1)).toMatchObject([{ status: 'sent' }])
    await end()
  })

  it('sends what it has claimed although the answer to the claim was lost', async () => {
    const sent: string[] = []
    const store = memoryStore()
    let losses = 1
    const lossy = {
      ...store,
      claim: async (...args: Parameters<typeof store.claim>) => {
        const claimed = await store.claim(...args)
        if (claimed.length > 0 && losses-- > 0) throw new Error('no answer within 2 s')
        return claimed
      },
    }
    const channels = [channelEntry('ops', (digest) => void sent.push(...keysOf(digest)))]
    const { clock, owe, end } = desk(channels, {}, [], lossy)
    await owe('a')
    await clock.advance(60_000)
    expect(sent).toEqual(['a'])
    await end()
  })

  it('sends nothing once its right has gone, though no signal has said so yet', async () => {
    const sent: string[] = []
    const channels = [channelEntry('ops', (digest) => void sent.push(...keysOf(digest)))]
    const clock = fakeClock(Date.parse('2026-11-20T03:00:00Z'))
    const store = memoryStore()
    const courier = createCourier({
      ...{ clock, store, channels, redact: createRedactor(), observe: () => {}, alarms: noAlarmPolicy },
      ...{ language: english, platform: 'shop', node: 'n1' },
    })
    const ending = new AbortController()
    const running = courier.run({ ...store.fence, signal: ending.signal, isOver: () => true })
    await store.commit(store.fence, commitOf([{ alarm: alarm(), to: ['ops'], due: 0 }]))
    await clock.advance(60_000)
    expect(sent).toEqual([])
    ending.abort()
    await clock.until(running)
  })

  it('keeps no secret of a channel in its words', async () => {
    const { clock, owe, store, end } = desk(
      [
        channelEntry('ops', () => {
          throw new Error('535 login of mon:hunter2SECRET refused')
        }),
      ],
      {},
      ['hunter2SECRET'],
    )
    await owe('a')
    await clock.advance(11_000)
    expect((await store.alarms(1))[0]?.error).toBe('535 login of mon:*** refused')
    await end()
  })

  it('flushes without waiting for company and says what stayed', async () => {
    const sent: string[] = []
    const { clock, owe, courier, term, end } = desk([
      channelEntry('ops', (digest) => void sent.push(...keysOf(digest))),
      channelEntry('down', () => {
        throw new Error('refused')
      }),
    ])
    await owe('a', ['ops', 'down'])
    expect(await clock.until(courier.flush(term))).toBe(1)
    expect(sent).toEqual(['a'])
    await end()
  })
})
