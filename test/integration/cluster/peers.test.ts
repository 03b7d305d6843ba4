import { describe, expect, it } from 'vitest'
import { type Handed, nothingTaken } from '../../../src/cluster/peers/messages.ts'
import { anAlarm } from '../../support/alarms.ts'
import { type DegradedNodes, lostOutage, startDegradedNodes } from '../../support/cluster/degraded-nodes.ts'
import { until } from '../../support/servers/until.ts'

const three = ['c', 'a', 'b']

/** The names of those that are the voice, when all the others know who it is. */
function voicesOf({ nodes }: DegradedNodes, names: readonly string[]): string[] {
  const some = nodes.filter(({ name }) => names.includes(name))
  const voices = some.filter(({ degraded }) => degraded.isVoice()).map(({ name }) => name)
  const isKnown = some.every(({ degraded }) => voices.includes(degraded.voice() ?? ''))
  return isKnown ? voices : []
}

const newly = ({ nodes }: DegradedNodes) =>
  nodes.flatMap(({ spoken }) => spoken).filter((isNew) => isNew).length

const handed = (dedupKey: string, more: Partial<Handed> = {}): Handed => ({
  channel: 'ops',
  alarm: { ...anAlarm('raised'), dedupKey },
  status: 'pending',
  createdAt: 1,
  due: 1,
  attempts: 0,
  error: null,
  settledAt: null,
  ...more,
})

describe('nodes that have lost Redis', () => {
  it('pick one voice, the first in the order, which speaks once', async () => {
    await using all = await startDegradedNodes({ names: three })
    for (const node of all.nodes) node.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    expect(voicesOf(all, three)).toEqual(['c'])
    await until('all know', () => all.nodes.every(({ degraded }) => degraded.outagesTold().length === 1))
    expect(newly(all)).toBe(1)
    expect(all.node('a').degraded.outagesTold()).toMatchObject([{ ...lostOutage, by: 'c' }])
    expect(all.node('b').degraded.nodes()).toEqual(
      expect.arrayContaining([{ name: 'a', isReachable: true, fault: 'unreachable' }]),
    )
  })

  it('pick one though their clocks are hours apart', async () => {
    const skew = (name: string) => (name === 'a' ? 7_200_000 : 0)
    await using all = await startDegradedNodes({ names: three, skew })
    for (const node of all.nodes) node.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    await until('all know', () => all.nodes.every(({ degraded }) => degraded.outagesTold().length === 1))
    expect(newly(all)).toBe(1)
  })

  it('find each other by seeds alone', async () => {
    await using all = await startDegradedNodes({ names: three, hasView: () => false })
    for (const node of all.nodes) node.degraded.suspect([node.name])
    await until('all are heard', () => all.nodes.every(({ degraded }) => degraded.nodes().length === 3))
    for (const node of all.nodes) node.begin({ ...lostOutage, generation: '', lastEpoch: 0 })
    await until('one speaks', () => voicesOf(all, three).length === 1)
    await until('all know', () => all.nodes.every(({ degraded }) => degraded.outagesTold().length === 1))
    expect(newly(all)).toBe(1)
  })

  it('do not listen to one with another secret', async () => {
    const secretOf = (name: string) => (name === 'c' ? 'another' : 'shared')
    await using all = await startDegradedNodes({ names: three, secretOf })
    for (const node of all.nodes) node.begin()
    await until('one of the two speaks', () => voicesOf(all, ['a', 'b']).length === 1)
    await until('the stranger speaks for itself', () => all.node('c').degraded.isVoice())
    expect(voicesOf(all, ['a', 'b'])).toEqual(['a'])
  })

  it('pick one on each side of a cut, and one of the two when it heals', async () => {
    await using all = await startDegradedNodes({ names: [...three, 'd'] })
    await all.link(['c', 'a'], ['b', 'd'], 'refuse')
    await all.link(['b', 'd'], ['c', 'a'], 'black-hole')
    for (const node of all.nodes) node.begin()
    await until('two speak', () => voicesOf(all, ['c', 'a']).length + voicesOf(all, ['b', 'd']).length === 2)
    expect(newly(all)).toBe(2)
    await all.link(['c', 'a'], ['b', 'd'], 'pass')
    await all.link(['b', 'd'], ['c', 'a'], 'pass')
    await until('one speaks', () => voicesOf(all, [...three, 'd']).length === 1)
    expect(newly(all)).toBe(2)
  })

  it('have another one speak when the voice dies, without a second alarm, and run what was its own', async () => {
    await using all = await startDegradedNodes({ names: three })
    for (const node of all.nodes) node.begin()
    await until('the first speaks', () => voicesOf(all, three).includes('c'))
    const [a, b] = [all.node('a').degraded, all.node('b').degraded]
    await until('all know', () => [a, b].every((one) => one.outagesTold().length === 1))
    expect([a.runs('a'), a.runs('c'), b.runs('c')]).toEqual([true, false, false])
    await all.node('c').kill()
    await until('another one speaks', () => voicesOf(all, ['a', 'b']).length === 1)
    expect(all.node('a').spoken).toEqual([false])
    expect(newly(all)).toBe(1)
    await until('the next in the order runs what the dead one ran', () => a.runs('c'))
    expect([a.runs('a'), a.runs('b'), b.runs('b'), b.runs('c')]).toEqual([true, false, true, false])
  })

  it('stay silent and report where a peer sees Redis, and speak when it sees it no more', async () => {
    await using all = await startDegradedNodes({ names: three })
    const healthy = all.node('b')
    healthy.health = { beatAge: 100, fault: null, canTell: true }
    for (const name of ['c', 'a']) all.node(name).begin()
    await until('both have reported', () => healthy.missing.includes('c') && healthy.missing.includes('a'))
    for (const name of ['c', 'a']) {
      const { degraded } = all.node(name)
      expect([degraded.voice(), degraded.isIsolated(), degraded.runs(name)]).toEqual(['b', true, false])
    }
    expect((await all.node('c').degraded.forward([handed('k1')])).pending).toHaveLength(1)
    expect(healthy.accepted).toHaveLength(1)
    expect(newly(all)).toBe(0)
    healthy.health = { beatAge: 5000, fault: 'unreachable', canTell: true }
    healthy.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    expect(newly(all)).toBe(1)
  })

  it('end when Redis is back, and do not alarm again for the same outage', async () => {
    await using all = await startDegradedNodes({ names: three })
    for (const node of all.nodes) node.begin()
    await until('all know', () => all.nodes.every(({ degraded }) => degraded.outagesTold().length === 1))
    for (const node of all.nodes) node.degraded.end()
    expect(all.nodes.map(({ degraded }) => degraded.voice())).toEqual([null, null, null])
    for (const node of all.nodes) node.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    expect(newly(all)).toBe(1)
    for (const node of all.nodes) node.degraded.end()
    for (const node of all.nodes) node.begin({ ...lostOutage, lastEpoch: 9 })
    await until('one speaks of the new one', () => newly(all) === 2)
  })
})

describe('alarms of a node without Redis', () => {
  it('go to the voice, which says what it has sent and what it will send', async () => {
    await using all = await startDegradedNodes({ names: three })
    for (const node of all.nodes) node.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    const alarms = [handed('k1', { attempts: 9 }), handed('k2')]
    expect(await all.node('b').degraded.forward(alarms)).toEqual({
      sent: [{ channel: 'ops', dedupKey: 'k1' }],
      pending: [{ channel: 'ops', dedupKey: 'k2' }],
      declined: [],
    })
    expect(all.node('c').accepted).toEqual(alarms)
    expect(await all.node('c').degraded.forward(alarms)).toEqual(nothingTaken)
  })

  it('go in batches where there are too many for one', async () => {
    await using all = await startDegradedNodes({ names: three })
    for (const node of all.nodes) node.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    const long = 'x'.repeat(20_000)
    const alarms = Array.from({ length: 120 }, (_, index) => handed(`k${index}`, { error: long }))
    expect((await all.node('a').degraded.forward(alarms)).pending).toHaveLength(120)
    expect(all.node('c').accepted).toHaveLength(120)
  })

  it('go over a third node where the voice cannot be reached', async () => {
    await using all = await startDegradedNodes({ names: three })
    await all.link(['c'], ['b'], 'refuse')
    await all.link(['b'], ['c'], 'refuse')
    for (const node of all.nodes) node.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    expect(voicesOf(all, three)).toEqual(['c'])
    expect((await all.node('b').degraded.forward([handed('k1')])).pending).toHaveLength(1)
    expect(all.node('c').accepted).toHaveLength(1)
    expect(all.node('a').accepted).toEqual([])
  })

  it('are not taken by one whose job it is not', async () => {
    await using all = await startDegradedNodes({ names: three })
    const { degraded } = all.node('a')
    expect(await degraded.forward([handed('k1')])).toEqual(nothingTaken)
    for (const node of all.nodes) node.begin()
    await until('one speaks', () => voicesOf(all, three).length === 1)
    all.node('c').degraded.end()
    const left = await degraded.forward([handed('k2')])
    expect([left, all.node('c').accepted]).toEqual([nothingTaken, []])
  })
})
