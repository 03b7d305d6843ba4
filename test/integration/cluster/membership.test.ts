import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { seatOf } from '../../../src/cluster/shards.ts'
import type { Seat } from '../../../src/core/cluster.ts'
import { startMember, type TestMember } from '../../support/cluster/memberships.ts'
import { fastTiming } from '../../support/cluster/timing.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'

const shards = 64

describeWith(['redis'], 'membership', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.[Symbol.asyncDispose]())

  function start(cluster: string, names: readonly string[], more: Parameters<typeof startMember>[3] = {}) {
    const members = names.map((name) => startMember(redis.port, cluster, name, { shards, ...more }))
    for (const member of members) onTestFinished(() => member[Symbol.asyncDispose]())
    return members
  }
  const leaderOf = (members: readonly TestMember[]) =>
    members.find(({ membership }) => membership.holds('leader'))
  const isSettled = (members: readonly TestMember[]) => {
    const held = members.flatMap(({ working }) =>
      [...working.keys()].filter((seat) => seat.startsWith('shard:')),
    )
    return leaderOf(members) !== undefined && held.length === shards && new Set(held).size === shards
  }

  test('one leads, and the shards are shared among all', async () => {
    const members = start('share', ['a', 'b', 'c'])
    await until('all is owned', () => isSettled(members), { deadline: 20_000 })
    expect(members.filter(({ working }) => working.has('leader'))).toHaveLength(1)
    for (const { working } of members) {
      expect(working.size, 'each has its part').toBeGreaterThan(5)
      expect(working.has('node')).toBe(true)
    }
  })

  test('fifty that join at once change no leader, and agree on who owns what', async () => {
    // One process does the work of fifty here: it gets twice the time.
    const timing = { ...fastTiming, beat: 1000, valid: 6000, lease: 10_000, clockStep: 1500 }
    const first = start('fifty', ['n0', 'n1', 'n2'], { timing })
    const leader = await until('one leads', () => leaderOf(first), { deadline: 30_000 })
    const epoch = leader.working.get('leader')?.epoch
    const names = Array.from({ length: 50 }, (_, index) => `m${index}`)
    const members = [...first, ...start('fifty', names, { timing })]
    await until(
      'all know of all, and every shard is owned',
      () =>
        isSettled(members) &&
        members.every(
          ({ membership }) =>
            membership.view().members.filter(({ state }) => state === 'active').length === 53,
        ),
      { deadline: 40_000 },
    )
    expect(leaderOf(members)?.name).toBe(leader.name)
    expect(leader.working.get('leader')?.epoch, 'it never lost its office').toBe(epoch)
    const leaders = new Set(members.map(({ membership }) => membership.view().leader?.epoch))
    expect([...leaders]).toEqual([epoch])
  })

  test('whoever leaves hands over at once, once its work has ended', async () => {
    const slow = Promise.withResolvers<void>()
    const members = start('leave', ['a', 'b'], {
      work: async ({ seat, until: ending }) => {
        await new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve()))
        if (seat === 'leader') await slow.promise
      },
    })
    await until('all is owned', () => isSettled(members), { deadline: 20_000 })
    const leader = leaderOf(members)
    const other = members.find((member) => member !== leader)
    const leaving = leader?.membership.leave(5000)
    await until('the other has the shards', () => other?.working.size === shards + 1)
    expect(other?.working.has('leader'), 'what is under way ends first').toBe(false)
    slow.resolve()
    await leaving
    await until('the other leads', () => other?.membership.holds('leader'))
    await until('nobody else is there', () => other?.membership.view().members.length === 1)
  })

  test('work that does not end is ended when it has had its time', async () => {
    let aborted: unknown = null
    const [member] = start('stuck', ['a'], {
      work: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason
            resolve()
          })
        }),
    })
    await until('it leads', () => member?.membership.holds('leader'), { deadline: 20_000 })
    await member?.membership.leave(300)
    expect(aborted).toBe('stopped')
  })

  test('a process that follows a dead one of its name frees its session at once', async () => {
    // Without it, its session would last for a lease.
    const timing = { ...fastTiming, lease: 6000 }
    const [dead] = start('crash', ['a'], { timing })
    await until('it leads', () => dead?.membership.holds('leader'), { deadline: 20_000 })
    const kept = dead?.saved()
    // Its own heartbeats would keep the session; a dead process sends none.
    const [next] = start('crash', ['a'], {
      timing,
      before: { floor: kept?.floor ?? 0, leftover: kept?.key ?? '' },
    })
    await until('the new one leads', () => next?.membership.holds('leader'), { deadline: 5000 })
    expect(next?.working.get('leader')?.epoch).toBeGreaterThan(kept?.floor ?? 0)
  })

  test('a second node of one name waits, and says so', async () => {
    const [first] = start('twins', ['a'])
    await until('the first is a member', () => first?.membership.holds('node'), { deadline: 20_000 })
    const [second] = start('twins', ['a'])
    await until('it says so', () => second?.events.some(({ type }) => type === 'duplicate-name'))
    expect(second?.membership.holds('node')).toBe(false)
  })

  test('a leader that resigns is followed by another, and does not come back for a lease', async () => {
    const members = start('resign', ['a', 'b', 'c'])
    const leader = await until('one leads', () => isSettled(members) && leaderOf(members), {
      deadline: 20_000,
    })
    leader.membership.resign()
    const next = await until('another leads', () => {
      const now = leaderOf(members)
      return now !== leader && now
    })
    expect(next.working.get('leader')?.epoch).toBeGreaterThan(0)
    expect(leader.working.has('leader')).toBe(false)
  })

  test('an entry is told by whoever holds its shard, the same on all nodes', async () => {
    const seats = ['cache', 'orders', 'mail'].map(
      (name): Seat => seatOf({ name, scope: 'cluster', spread: 'ring' }, shards),
    )
    const members = start('owners', ['a', 'b', 'c'])
    await until('all is owned', () => isSettled(members), { deadline: 20_000 })
    for (const seat of seats) {
      expect(members.filter(({ membership }) => membership.holds(seat))).toHaveLength(1)
    }
  })
})
