import { afterAll, beforeAll, expect, test } from 'vitest'
import { guardFor } from '../../../src/cluster/scripts/scripts.ts'
import type { Seat } from '../../../src/core/cluster.ts'
import { memberInfo } from '../../support/cluster/requests.ts'
import { type Actor, openCluster, type ScriptedCluster } from '../../support/cluster/scripted-cluster.ts'
import { fastTiming } from '../../support/cluster/timing.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'

const { lease, settle } = fastTiming

let redis: Redis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis?.[Symbol.asyncDispose]())

describeWith(['redis'], 'a member', () => {
  test('is known by what it said of itself, and becomes active after it has settled', async () => {
    await using cluster = await openCluster(redis)
    const a = await cluster.join('a')
    expect(a.last().members).toEqual([{ ...memberInfo('a'), key: 'a@1', state: 'joining' }])
    const { version, ringVersion } = a.last()
    cluster.jump(settle - 1)
    await a.tick()
    expect(a.last()).toMatchObject({ version, ringVersion, members: null })
    await cluster.live(settle, a)
    expect(a.last().ringVersion).toBe(ringVersion + 1)
    await cluster.join('b')
    await a.tick()
    expect(a.last().members?.map(({ key, state }) => `${key} ${state}`)).toEqual([
      'a@1 active',
      'b@1 joining',
    ])
    expect(a.last().ringVersion, 'who is joining is not in the ring').toBe(ringVersion + 1)
  })

  test('may not have the name of a live one, and is told how long to wait', async () => {
    await using cluster = await openCluster(redis)
    const [old] = await cluster.active('a')
    const info = JSON.stringify(memberInfo('a'))
    const again = { type: 'join', key: 'a@2', info, floor: 0 } as const
    expect(await cluster.ask(again)).toEqual({ type: 'refused', why: 'duplicate', wait: lease })
    await cluster.live(lease - 500)
    expect(await cluster.ask(again)).toEqual({ type: 'refused', why: 'duplicate', wait: 500 })
    await cluster.live(500)
    const joined = await cluster.ask(again)
    expect(joined).toMatchObject({ type: 'joined', members: [{ key: 'a@2' }] })
    expect(await old?.tick()).toMatchObject({ type: 'refused', why: 'session' })
  })

  test('takes the place of its dead process at once when that is signed off', async () => {
    await using cluster = await openCluster(redis)
    const [old, other] = await cluster.active('a', 'b')
    await old?.claim('leader', 'shard:1')
    expect(await old?.leave(0)).toEqual({ type: 'done' })
    expect(await old?.leave(0), 'asked twice').toEqual({ type: 'done' })
    await cluster.join('a', 2)
    await other?.tick()
    expect(other?.last().leader).toBeNull()
    expect(await other?.claim('leader', 'shard:1')).toMatchObject({ type: 'claimed', refused: [] })
  })

  test('tells the others what it has become when its configuration was read anew', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    await b?.tick()
    const { version = 0, ringVersion } = b?.last() ?? {}
    await a?.tick({ info: memberInfo('a') })
    expect(a?.last(), 'nothing new').toMatchObject({ version, ringVersion, members: null })
    const info = { ...memberInfo('a'), config: 'another' }
    for (const _ of [1, 2]) await a?.tick({ info })
    await b?.tick()
    expect(b?.last()).toMatchObject({ version: version + 1, ringVersion })
    expect(b?.last().members?.[0]).toEqual({ ...info, key: 'a@1', state: 'active' })
  })

  test('that retires is out of the ring and keeps its seats', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    await a?.claim('shard:1')
    const before = b?.last().ringVersion ?? 0
    expect(await a?.retire()).toEqual({ type: 'done' })
    await b?.tick()
    expect(b?.last()).toMatchObject({ ringVersion: before + 1, members: [{ state: 'leaving' }, {}] })
    expect(await b?.claim('shard:1')).toEqual({
      ...{ type: 'claimed', granted: [], refused: [{ seat: 'shard:1', holder: 'a@1' }] },
      quarantine: 0,
    })
  })

  test('that is not active may take seats only where nobody else is', async () => {
    await using cluster = await openCluster(redis)
    const first = await cluster.join('a')
    await cluster.live(lease, first)
    const late = await cluster.join('b')
    expect(await late.claim('shard:1')).toMatchObject({ type: 'refused', why: 'inactive' })
    // Its session is over, and nobody has buried it yet.
    for (let i = 0; i < lease / 250; i++) {
      cluster.jump(250)
      await cluster.ask({ type: 'leave', key: 'nobody@1', session: 1 })
    }
    expect(await late.claim('shard:1')).toMatchObject({ type: 'refused', why: 'session' })
    const next = await cluster.join('c')
    expect(await next.claim('shard:1')).toMatchObject({ type: 'claimed', granted: [{ seat: 'shard:1' }] })
  })

  test('buries no more than 32 at once, and the seats of the others are free all the same', async () => {
    await using cluster = await openCluster(redis)
    const names = Array.from({ length: 40 }, (_, i) => `n${i}`)
    const many: Actor[] = []
    for (const name of names) many.push(await cluster.join(name))
    await cluster.live(1750, ...many)
    const last = many.at(-1)
    await cluster.live(250, ...many)
    expect(await last?.claim('shard:39')).toMatchObject({ granted: [{ seat: 'shard:39' }] })
    const [survivor] = [await cluster.join('survivor')]
    await cluster.live(lease - 250, survivor)
    cluster.jump(250)
    await survivor.tick()
    expect(survivor.last().members).toHaveLength(41 - 32)
    expect(await survivor.claim('shard:39')).toMatchObject({ granted: [{ seat: 'shard:39' }], refused: [] })
    await survivor.tick()
    expect(survivor.last().members).toHaveLength(1)
  })
})

describeWith(['redis'], 'a seat', () => {
  test('belongs to one session, and is granted to it again with the same epoch', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const granted = await a?.claim('leader', 'shard:1')
    expect(granted).toMatchObject({ granted: [{ seat: 'leader' }, { seat: 'shard:1' }] })
    expect(await a?.claim('leader', 'shard:1')).toEqual(granted)
    expect(await b?.claim('leader')).toMatchObject({ refused: [{ seat: 'leader', holder: 'a@1' }] })
    await b?.release('leader')
    expect(await b?.claim('leader'), 'nobody gives up what is not theirs').toMatchObject({ granted: [] })
    await a?.release('leader')
    expect(await b?.claim('leader')).toMatchObject({ granted: [{ seat: 'leader' }] })
  })

  test('is not given up by a release that was meant for an earlier epoch', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const first = epochIn(await a?.claim('shard:1'))
    await a?.release('shard:1')
    const second = epochIn(await a?.claim('shard:1'))
    expect(await a?.releaseUpTo(first, 'shard:1'), 'late').toEqual({ type: 'done' })
    expect(await b?.claim('shard:1')).toMatchObject({ granted: [] })
    await a?.releaseUpTo(second, 'shard:1')
    expect(await b?.claim('shard:1')).toMatchObject({ granted: [{ seat: 'shard:1' }] })
  })

  test('is one of 500 in one request', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const seats = Array.from({ length: 500 }, (_, i) => `shard:${i}`)
    const reply = await a?.claim(...seats)
    if (reply?.type !== 'claimed') throw new Error(JSON.stringify(reply))
    expect(reply.granted.map(({ seat }) => seat)).toEqual(seats)
    expect(new Set(reply.granted.map(({ epoch }) => epoch)).size, 'each with an epoch of its own').toBe(500)
    expect(await b?.claim(...seats)).toMatchObject({ granted: [], refused: { length: 500 } })
  })

  test('is free as soon as the lease of its holder is over', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const first = epochIn(await a?.claim('leader'))
    await cluster.live(lease - 250, b as Actor)
    expect(b?.last().leader).toEqual({ key: 'a@1', name: 'a', epoch: first })
    await cluster.live(250, b as Actor)
    expect(b?.last().leader).toBeNull()
    expect(epochIn(await b?.claim('leader'))).toBeGreaterThan(first)
  })
})

describeWith(['redis'], 'the rules of the lease', () => {
  test('R4: nobody takes over for one lease after the data were lost', async () => {
    await using cluster = await openCluster(redis)
    const [a] = await cluster.active('a')
    await a?.claim('leader')
    await cluster.link.call('FLUSHALL')
    expect(await a?.tick()).toMatchObject({ type: 'refused', why: 'generation' })
    const again = await cluster.join('a', 2)
    expect(again.last().generation).not.toBe(a?.last().generation)
    await expectQuarantine(cluster, again)
  })

  test('R4: nor after another server process answered, while holders go on', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const epoch = epochIn(await a?.claim('leader'))
    cluster.restart()
    await a?.tick()
    expect(a?.last().leader?.epoch).toBe(epoch)
    await expectQuarantine(cluster, b as Actor, a as Actor)
    expect(epochIn(await a?.claim('leader'))).toBe(epoch)
  })

  test('R4: while nobody takes over, who holds a seat is granted it again', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const epoch = epochIn(await a?.claim('shard:1'))
    await b?.claim('shard:2')
    cluster.restart()
    expect(await a?.claim('shard:1', 'shard:2', 'shard:3')).toEqual({
      type: 'claimed',
      granted: [{ seat: 'shard:1', epoch }],
      refused: [
        { seat: 'shard:2', holder: 'b@1' },
        { seat: 'shard:3', holder: '' },
      ],
      quarantine: lease,
    })
    const refusal = { type: 'refused', why: 'quarantine', wait: lease }
    expect(await a?.claim('shard:2', 'shard:3')).toEqual(refusal)
    await b?.leave()
    const again = await cluster.join('b', 2)
    expect(await again.claim('shard:2'), 'another session of the same node').toEqual(refusal)
    expect(await b?.claim('shard:2')).toMatchObject({ type: 'refused', why: 'session' })
  })

  test('R5: a jump of the server clock, or its pause, ends no session', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    await a?.claim('leader')
    const { clock } = a?.last() ?? { clock: 0 }
    for (const jump of [3_600_000, -7_200_000, 3_600_000]) {
      cluster.jump(jump)
      await b?.tick()
      expect(b?.last().leader?.key).toBe('a@1')
    }
    expect(b?.last().clock).toBe(clock + 2 * fastTiming.clockStep)
    expect(await a?.tick()).toMatchObject({ type: 'ticked' })
  })

  test('R9: the heartbeats of who has given up the leadership free it, late ones free no later one', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const epoch = epochIn(await a?.claim('leader', 'shard:1'))
    await a?.tick({ spent: epoch - 1 })
    expect(a?.last().leader?.epoch).toBe(epoch)
    await b?.tick({ spent: epoch })
    expect(b?.last().leader?.key, 'nobody gives up what is not theirs').toBe('a@1')
    expect(await a?.tick({ spent: epoch })).toMatchObject({ type: 'ticked', leader: null })
    expect(await b?.claim('shard:1'), 'its session lives').toMatchObject({ granted: [] })
    const later = epochIn(await a?.claim('leader'))
    expect(later).toBeGreaterThan(epoch)
    await a?.tick({ spent: epoch })
    expect(a?.last().leader?.epoch).toBe(later)
  })

  test('epochs rise when all data are lost, and when the clock went back as well if anyone remembers', async () => {
    await using cluster = await openCluster(redis)
    const [a] = await cluster.active('a')
    const before = epochIn(await a?.claim('leader'))
    await cluster.link.call('FLUSHALL')
    const [b] = await cluster.active('b')
    const after = epochIn(await b?.claim('leader'))
    expect(after).toBeGreaterThan(before)
    await cluster.link.call('FLUSHALL')
    cluster.jump(-86_400_000)
    const [c] = await cluster.active('c')
    await c?.tick({ floor: after })
    expect(epochIn(await c?.claim('leader'))).toBeGreaterThan(after)
  })
})

describeWith(['redis'], 'the guard of what is written', () => {
  test('lets the holder write, and refuses whatever is stale', async () => {
    await using cluster = await openCluster(redis)
    const [a, b] = await cluster.active('a', 'b')
    const epoch = epochIn(await a?.claim('shard:1'))
    const { session = 0, generation = '' } = a?.last() ?? {}
    const said = (writer: object, fence: { epoch: number; seat?: Seat }) =>
      guarded(cluster, { key: 'a@1', session, generation, ...writer }, fence)

    expect(await said({}, { epoch, seat: 'shard:1' })).toBe('may write')
    expect(await said({}, { epoch: session, seat: 'node' })).toBe('may write')
    expect(await said({}, { epoch })).toBe('fence')
    expect(await said({}, { epoch: epoch - 1, seat: 'shard:1' })).toBe('seat')
    expect(await said({}, { epoch, seat: 'shard:2' })).toBe('seat')
    expect(await said({}, { epoch, seat: 'node' })).toBe('seat')
    expect(await said({ generation: 'another' }, { epoch, seat: 'shard:1' })).toBe('generation')
    expect(await said({ session: session - 1 }, { epoch, seat: 'shard:1' })).toBe('session')
    const other = { key: 'b@1', session: b?.last().session ?? 0 }
    expect(await said(other, { epoch, seat: 'shard:1' })).toBe('seat')

    await a?.release('shard:1')
    expect(await said({}, { epoch, seat: 'shard:1' })).toBe('seat')
  })

  test('goes by the lease clock, which it drives itself where nobody beats', async () => {
    await using cluster = await openCluster(redis)
    const [a] = await cluster.active('a')
    const epoch = epochIn(await a?.claim('leader'))
    const { session = 0, generation = '' } = a?.last() ?? {}
    const said = () => guarded(cluster, { key: 'a@1', session, generation }, { epoch, seat: 'leader' })
    cluster.jump(86_400_000)
    expect(await said()).toBe('may write')
    for (let passed = fastTiming.clockStep; passed + 250 < lease; passed += 250) {
      cluster.jump(250)
      expect(await said()).toBe('may write')
    }
    cluster.jump(250)
    expect(await said()).toBe('session')
    await cluster.link.call('FLUSHALL')
    expect(await said()).toBe('generation')
    expect(await cluster.link.call('DBSIZE'), 'it makes no data anew').toBe(0)
  })
})

/** For one lease `actor` is told how long it has to wait; then it may claim. */
async function expectQuarantine(
  cluster: ScriptedCluster,
  actor: Actor,
  ...others: readonly Actor[]
): Promise<void> {
  const refusal = { type: 'refused', why: 'quarantine' } as const
  expect(await actor.claim('shard:7')).toEqual({ ...refusal, wait: lease })
  await cluster.live(lease - 250, actor, ...others)
  expect(await actor.claim('shard:7')).toEqual({ ...refusal, wait: 250 })
  expect(actor.last().quarantine).toBe(250)
  await cluster.live(250, actor, ...others)
  expect(await actor.claim('shard:7')).toMatchObject({ type: 'claimed', granted: [{ seat: 'shard:7' }] })
}

async function guarded(
  cluster: ScriptedCluster,
  writer: { readonly key: string; readonly session: number; readonly generation: string },
  fence: { readonly epoch: number; readonly seat?: Seat },
): Promise<unknown> {
  const guard = guardFor(cluster.name, () => ({ ...writer, server: cluster.server() }))
  const lua = `${guard.lua}\nreturn guard(KEYS, ARGV, 1) or 'may write'`
  return cluster.link.run({ lua, sha: '' }, guard.keys, ['before the offset', ...guard.args(fence)])
}

function epochIn(reply: unknown): number {
  const { granted } = reply as { granted?: readonly { epoch: number }[] }
  const epoch = granted?.[0]?.epoch
  if (epoch === undefined) throw new Error(`nothing was granted: ${JSON.stringify(reply)}`)
  return epoch
}
