import { describe, expect, test } from 'vitest'
import { isNamed } from '../../../../src/core/name-pattern.ts'
import { lagging } from '../../../../stories/kafka/controller.ts'
import { straysOf } from '../../../../stories/kafka/leader-skew.ts'
import { commonLoss } from '../../../../stories/kafka/loss.ts'
import { options } from '../../../../stories/kafka/options.ts'
import { listOf } from '../../../../stories/kafka/picture.ts'
import { isWithin } from '../../../../stories/kafka/quiet-hours.ts'
import { serverIn } from '../../../../stories/kafka/zookeeper.ts'

describe('the options', () => {
  const brokersOf = (...brokers: string[]) => options.parse({ brokers }).brokers

  test('an address is a host with or without a port, also in brackets', () => {
    expect(brokersOf('kafka1', 'kafka1:9093', '10.0.0.1:1', '[::1]', '[fe80::1]:9094')).toEqual([
      { host: 'kafka1', port: 9092 },
      { host: 'kafka1', port: 9093 },
      { host: '10.0.0.1', port: 1 },
      { host: '::1', port: 9092 },
      { host: 'fe80::1', port: 9094 },
    ])
  })

  test('what is no address is refused, and not quoted', () => {
    for (const wrong of [
      'kafka://kafka1',
      'kafka1:',
      'kafka1:x',
      'kafka1:0',
      'kafka1:65536',
      '::1',
      'user:hunter2@kafka1',
      '',
    ]) {
      const { error } = options.safeParse({ brokers: [wrong] })
      expect(error?.issues[0]?.message, wrong).toBe('not an address; write it as host:9092')
    }
  })
})

describe('patterns', () => {
  test('a star stands for anything, and all else for itself', () => {
    expect(isNamed('orders.eu', ['orders.*'])).toBe(true)
    expect(isNamed('ordersXeu', ['orders.*'])).toBe(false)
    expect(isNamed('orders', ['order'])).toBe(false)
    expect(isNamed('a+b', ['a+b'])).toBe(true)
    expect(isNamed('aab', ['a+b*'])).toBe(false)
  })
})

describe('lists of partitions', () => {
  const partitions = (topic: string, count: number) =>
    Array.from({ length: count }, (_, id) => ({ topic, id }))

  test('they stay short', () => {
    expect(listOf([...partitions('orders', 2), ...partitions('mail', 1)])).toBe('orders 0, 1; mail 0')
    expect(listOf(partitions('orders', 100))).toBe('orders 0, 1, 2, 3, 4, 5, 6, 7, ...')
    const many = Array.from({ length: 50 }, (_, index) => ({ topic: `t${index}`, id: 0 }))
    expect(listOf(many)).toBe('t0 0; t1 0; t2 0; t3 0; t4 0; t5 0; t6 0; t7 0; ...')
  })
})

describe('the broker that partitions wait for', () => {
  const picture = {
    brokers: new Map([1, 2].map((id) => [id, { host: 'h', port: id }])),
    controller: 1,
    topics: [],
    missing: [],
    hidden: [],
  }

  test('one that is gone comes before those that lag', () => {
    const slow = { topic: 't', id: 0, leader: 1, replicas: [1, 2], inSync: [1] }
    const gone = { topic: 't', id: 1, leader: -1, replicas: [3], inSync: [3] }
    expect(commonLoss(picture, [slow, slow, gone])).toEqual([
      { id: 3, partitions: 1, isGone: true },
      { id: 2, partitions: 2, isGone: false },
    ])
  })
})

describe('the voters of a quorum', () => {
  const quorum = (...caughtUp: number[]) => ({
    code: 0,
    leader: 1,
    voters: caughtUp.map((at, index) => ({ id: index + 1, caughtUp: at })),
  })
  const behind = (...caughtUp: number[]) => lagging(quorum(...caughtUp), 10_000).map(({ id }) => id)

  test('those lag that had not all for too long, by the clock of the leader', () => {
    expect(behind(100_000, 95_000, 89_999)).toEqual([3])
    expect(behind(100_000, -1, -1)).toEqual([2, 3])
  })

  test('a version that tells no times accuses nobody', () => {
    expect(behind(-1, -1, -1)).toEqual([])
  })
})

describe('leaders', () => {
  const partition = (leader: number, replicas: number[], inSync = replicas) => ({
    topic: 't',
    id: 0,
    leader,
    replicas,
    inSync,
  })

  test('a preferred broker that could not lead is no stray, and what nobody leads does not count', () => {
    const partitions = [
      partition(1, [1, 2]),
      partition(2, [1, 2]),
      partition(2, [1, 2], [2]),
      partition(-1, [3]),
    ]
    expect(straysOf({ topics: [{ name: 't', partitions }] })).toEqual({ strays: 1, all: 3 })
  })
})

describe('quiet hours', () => {
  const at = (time: string) => Date.parse(`2026-11-21T${time}:00Z`)

  test('they may go over midnight', () => {
    const night = { from: 22 * 60, to: 6 * 60 }
    for (const time of ['22:00', '23:59', '00:00', '05:59'])
      expect(isWithin(night, at(time)), time).toBe(true)
    for (const time of ['06:00', '12:00', '21:59']) expect(isWithin(night, at(time)), time).toBe(false)
    expect(isWithin({ from: 600, to: 660 }, at('10:30'))).toBe(true)
    expect(isWithin({ from: 600, to: 660 }, at('11:00'))).toBe(false)
  })
})

describe('what ZooKeeper says of itself', () => {
  test('its mode and what waits in it', () => {
    expect(
      serverIn('Zookeeper version: 3.8.4\nOutstanding: 12\nZxid: 0x1\nMode: follower\nNode count: 5\n'),
    ).toEqual({ mode: 'follower', outstanding: 12 })
  })

  test('a refusal is nothing', () => {
    expect(serverIn('srvr is not executed because it is not in the whitelist.\n')).toBe(null)
  })
})
