import 'node-cron'
import { expect, test } from 'vitest'
import {
  clusterWatch,
  minute,
  peer,
  planned,
  record,
  withoutPeer,
  withPeers,
} from '../../../support/cluster/watch.ts'

const db = planned('db')
const site = planned('site', { spread: 'leader' })
const host = planned('host', { scope: 'node' })
const proxy = planned('proxy', { scope: 'node', role: 'edge' })

type Watch = ReturnType<typeof clusterWatch>

/** Tells for so long while these records, and no others, are renewed every minute. */
async function living(watch: Watch, renewed: readonly string[], ms: number): Promise<string[]> {
  const heard: string[] = []
  for (let spent = 0; spent < ms; spent += minute) {
    const kept = watch.world.entries.filter(({ name }) => !renewed.includes(name))
    watch.world.entries = [...kept, ...renewed.map((name) => record(name, watch.now()))]
    heard.push(...(await watch.tellFor(minute)))
  }
  return heard
}

test('an entry that is told no more is told of with whose it is, until it is told again', async () => {
  const watch = clusterWatch([db, site])
  watch.world.owners = { db: 'b' }
  expect(await living(watch, ['db', 'site'], 10 * minute)).toEqual([])
  expect(await living(watch, ['site'], 3 * minute)).toEqual([])
  expect(await living(watch, ['site'], 2 * minute)).toEqual([
    expect.stringMatching(
      /^raised critical stale-results\/b: b has told nothing new of 1 entry for 4 min \d+ s: db \(due every 1 min\)$/,
    ),
  ])
  expect(watch.problem('stale-results/b').advice).toBe(
    'what was seen of them last may no longer be true. Look in the log of healthz on b for rounds that fail or hang; restarting it there lets another node take over what is not about the node itself',
  )
  expect(await living(watch, ['db', 'site'], minute)).toEqual([
    expect.stringMatching(/^recovered critical stale-results\/b/),
  ])
})

test('what one node does not tell is one problem, and names some of it', async () => {
  const many = Array.from({ length: 8 }, (_, index) => planned(`db-${index}`))
  const watch = clusterWatch([...many, site, host])
  watch.world.owners = Object.fromEntries(many.map(({ name }) => [name, 'b']))
  const rest = ['site', 'host@a', 'host@c']
  await living(watch, [...rest, ...many.map(({ name }) => name), 'host@b'], 2 * minute)
  const heard = await living(watch, rest, 6 * minute)
  expect(heard).toHaveLength(1)
  expect(heard[0]).toMatch(/^raised critical stale-results\/b: b has told nothing new of 9 entries for /)
  expect(heard[0]).toMatch(/: db-0 \(due every 1 min\), .*, db-4 \(due every 1 min\), and 4 more$/)
})

test('an entry that was never told at all is told of, after its time', async () => {
  const watch = clusterWatch([db, host])
  const nodes = ['host@a', 'host@b']
  expect(await living(watch, nodes, 3 * minute)).toEqual([])
  expect(await living(watch, nodes, 2 * minute)).toEqual([
    expect.stringMatching(
      /^raised critical stale-results: nobody tells 1 entry: for 4 min \d+ s nothing new of db \(never told\)$/,
    ),
    expect.stringMatching(
      /^raised critical stale-results\/c: c has told nothing new of 1 entry for .*: host@c \(never told\)$/,
    ),
  ])
})

test('nodes tell what is of their role, while they are active', async () => {
  const watch = clusterWatch([proxy, host])
  withPeers(watch.world, peer('b', { roles: ['edge'] }), peer('d', { state: 'joining' }))
  const all = ['proxy@b', 'host@a', 'host@b', 'host@c']
  expect(await living(watch, all, 8 * minute)).toEqual([])
  withoutPeer(watch.world, 'b')
  expect(await living(watch, ['host@a', 'host@c'], 8 * minute)).toEqual([])
})

test('a cluster that has just been started again has its time, however old its records are', async () => {
  const watch = clusterWatch([db])
  watch.world.owners = { db: 'b' }
  await living(watch, ['db'], 2 * minute)
  await watch.rounds.clock.advance(8 * 60 * minute)
  expect(await watch.tellFor(4 * minute)).toEqual([])
  expect(await living(watch, ['db'], 2 * minute)).toEqual([])
})

test('a change of leader keeps what was seen', async () => {
  const watch = clusterWatch([db])
  watch.world.owners = { db: 'b' }
  await living(watch, ['db'], 2 * minute)
  const before = await living(watch, [], 3 * minute)
  await watch.rounds.clock.advance(8000)
  const heard = [...before, ...(await living(watch, [], 3 * minute))]
  expect(heard).toEqual([expect.stringMatching(/^raised critical stale-results\/b/)])
})

test('the clock of whoever told it does not matter', async () => {
  const watch = clusterWatch([db])
  watch.world.owners = { db: 'b' }
  for (let spent = 0; spent < 10; spent++) {
    watch.world.entries = [record('db', watch.now() - 3600_000)]
    expect(await watch.tellFor(minute)).toEqual([])
  }
})

test('another pace counts from when it is first seen', async () => {
  const paced = { ...db, pace: { every: 10_000, jitter: 0 } }
  const watch = clusterWatch([paced])
  watch.world.owners = { db: 'b' }
  await living(watch, ['db'], minute)
  await living(watch, [], minute)
  Object.assign(paced, { pace: { every: 600_000, jitter: 0 } })
  expect(await living(watch, [], 10 * minute)).toEqual([])
})

test('a round that cures may take its time', async () => {
  const watch = clusterWatch([db])
  watch.world.owners = { db: 'b' }
  const cured = record('db', watch.now())
  const problem = {
    ...{ step: 'up', key: '', phase: 'raised' as const, severity: 'critical' as const, summary: 'down' },
    ...{
      advice: 'start it',
      evidence: {},
      since: 1,
      raisedAt: 1,
      seenAt: 1,
      bad: 1,
      good: 0,
      goodSince: null,
    },
    ...{ toldAt: 1, flapping: false, tried: [], cure: { title: 'start it', consent: 'auto' as const } },
  }
  watch.world.entries = [{ ...cured, state: { ...cured.state, problems: { up: problem } } }]
  expect(await watch.tellFor(15 * minute)).toEqual([])
  expect(await watch.tellFor(6 * minute)).toEqual([
    expect.stringMatching(/^raised critical stale-results\/b/),
  ])
})

test('a cron is late when it has come round three times without a result', async () => {
  const minutely = planned('db', { pace: { cron: '* * * * *', timezone: null, jitter: 0 } })
  const nightly = planned('nightly', { pace: { cron: '0 3 * * *', timezone: null, jitter: 0 } })
  const watch = clusterWatch([minutely, nightly])
  watch.world.owners = { db: 'b', nightly: 'b' }
  expect(await living(watch, ['db'], 10 * minute)).toEqual([])
  expect(await living(watch, [], 2 * minute)).toEqual([])
  expect(await living(watch, [], 3 * minute)).toEqual([
    expect.stringMatching(/: b has told nothing new of 1 entry for .*: db \(due by \* \* \* \* \*\)$/),
  ])
})
