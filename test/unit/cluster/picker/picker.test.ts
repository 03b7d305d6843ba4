import { describe, expect, it } from 'vitest'
import {
  lanPicker,
  outage,
  randomOf,
  runWorld,
  type World,
  type WorldPlan,
} from '../../../support/cluster/picker-world.ts'

/** What a network is like, by the names in the order of preference. */
type Shape = (order: readonly string[], random: () => number) => Partial<WorldPlan>

const byName = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`)

/** Runs a shape once for each seed; the order of preference is another one each time. */
function* runs(count: number, nodes: number, shape: Shape, until = 12_000) {
  for (let seed = 0; seed < count; seed++) {
    const random = randomOf(seed)
    const names = byName(nodes)
      .map((name) => ({ name, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ name }) => name)
    const plan: WorldPlan = { names, seed, until, ...shape(names, random) }
    yield { seed, plan, world: runWorld(plan) }
  }
}

/** The sets of living nodes that are joined in the end, in one direction at least. */
function componentsOf({ names, until, reaches = () => true, lives = () => true }: WorldPlan): string[][] {
  const left = new Set(names.filter((name) => lives(name, until)))
  const components: string[][] = []
  for (const first of left) {
    left.delete(first)
    const component = [first]
    for (const name of component) {
      for (const other of left) {
        if (!reaches(name, other, until) && !reaches(other, name, until)) continue
        left.delete(other)
        component.push(other)
      }
    }
    components.push(component)
  }
  return components
}

/** Alarms and voices per component, as `alarms/voices` joined by spaces. */
function perComponent(plan: WorldPlan, world: World): string[] {
  return componentsOf(plan).map((names) => {
    const alarms = world.alarms.filter(({ by }) => names.includes(by)).length
    return `${alarms}/${world.voices.filter((name) => names.includes(name)).length}`
  })
}

/** Expects exactly one alarm and one voice in every component, the alarm `within` milliseconds of the loss. */
function expectOneEach(count: number, nodes: number, shape: Shape, within: number, until?: number): void {
  for (const { seed, plan, world } of runs(count, nodes, shape, until)) {
    const components = componentsOf(plan)
    expect([seed, ...perComponent(plan, world)]).toEqual([seed, ...components.map(() => '1/1')])
    expect(Math.max(...world.alarms.map(({ at }) => at))).toBeLessThan(1000 + within)
  }
}

const links = (order: readonly string[], keeps: (a: string, b: string) => boolean) => {
  const open = new Set(order.flatMap((a) => order.filter((b) => keeps(a, b)).map((b) => `${a} ${b}`)))
  return (a: string, b: string) => open.has(`${a} ${b}`)
}

/** Two different nodes. */
function pair(order: readonly string[], random: () => number): [string, string] {
  const one = Math.floor(random() * order.length)
  const other = (one + 1 + Math.floor(random() * (order.length - 1))) % order.length
  return [order[one] ?? '', order[other] ?? '']
}

describe('the picker', () => {
  it('lets one of five speak, soon', () => expectOneEach(300, 5, () => ({}), 2000))

  it('lets one of thirty speak, soon', { timeout: 120_000 }, () => {
    expectOneEach(50, 30, () => ({}), 2000, 4000)
  })

  it('is sooner where the peers were asked when Redis first failed', () => {
    expectOneEach(100, 5, () => ({ suspects: 900 }), 1000)
  })

  it('lets the next one speak where the first is dead', () => {
    expectOneEach(300, 5, (order) => ({ lives: (name) => name !== order[0] }), 2500)
  })

  it('lets one speak on each side of a split', () => {
    const isLeft = (order: readonly string[], name: string) => order.indexOf(name) < 2
    expectOneEach(300, 5, (order) => ({ reaches: (a, b) => isLeft(order, a) === isLeft(order, b) }), 3000)
  })

  it('lets every node speak that is all alone', () => {
    expectOneEach(300, 5, () => ({ reaches: () => false }), 3500)
  })

  it('lets one speak where one link is broken', () => {
    const broken: Shape = (order, random) => {
      const cut = pair(order, random)
      return { reaches: (a, b) => !(cut.includes(a) && cut.includes(b)) }
    }
    expectOneEach(300, 5, broken, 3000)
  })

  it('lets one speak where one link works one way only', () => {
    const oneWay: Shape = (order, random) => {
      const [from, to] = pair(order, random)
      return { reaches: (a, b) => !(a === from && b === to) }
    }
    expectOneEach(300, 5, oneWay, 3000)
  })

  it('lets one speak in each component of a random network', () => {
    const some: Shape = (order, random) => {
      const kept = links(order, (a, b) => a < b && random() < 0.6)
      return { reaches: (a, b) => kept(a, b) || kept(b, a) }
    }
    expectOneEach(300, 6, some, 4000)
  })

  it('lets one speak where each hears its neighbours only', () => {
    const line = links(byName(6), (a, b) => Math.abs(Number(a.slice(1)) - Number(b.slice(1))) === 1)
    expectOneEach(300, 6, () => ({ reaches: line }), 2500)
  })

  it('lets one who can tell people speak rather than the first in the order', () => {
    for (const { plan, world } of runs(100, 5, (order) => ({ canTell: (name) => name === order[3] }))) {
      expect(world.voices).toEqual([plan.names[3]])
      expect(world.alarms).toHaveLength(1)
    }
  })

  it('passes the voice on when it can no longer tell people, and does not alarm again', () => {
    const mute: Shape = (order) => ({ canTell: (name, at) => name !== order[0] || at < 5000 })
    for (const { plan, world } of runs(100, 5, mute)) {
      expect(world.voices).toEqual([plan.names[1]])
      expect(world.alarms).toHaveLength(1)
    }
  })

  it('takes over from a voice that died, and alarms again only where nobody heard that it had', () => {
    let takenOver = 0
    const dies: Shape = (order, random) => {
      const end = 1000 + random() * 4000
      return { lives: (name, at) => name !== order[0] || at < end }
    }
    for (const { seed, plan, world } of runs(300, 5, dies)) {
      const [first] = plan.names
      expect([seed, world.voices.length]).toEqual([seed, 1])
      expect(world.voices).not.toContain(first)
      const dead = world.alarms.filter(({ by }) => by === first)
      const living = world.alarms.length - dead.length
      if (dead.length === 0) expect([seed, living]).toEqual([seed, 1])
      else {
        takenOver++
        const isHeard = !plan.lives || plan.lives(first ?? '', (dead[0]?.at ?? 0) + 50)
        expect([seed, isHeard ? living : 0]).toEqual([seed, 0])
      }
      expect(Math.min(...world.alarms.map(({ at }) => at))).toBeLessThan(1000 + 5000)
    }
    expect(takenOver).toBeGreaterThan(30)
  })

  it('alarms again where the alarm of the dead voice never left it', () => {
    const dies: Shape = (order) => ({
      isMute: true,
      lives: (name: string, at: number) => name !== order[0] || at < 4000,
    })
    for (const { plan, world } of runs(50, 5, dies)) {
      expect(world.alarms.map(({ by }) => by)).toEqual([plan.names[0], plan.names[1]])
    }
  })

  it('leaves one voice where two sides find each other again, and neither alarms anew', () => {
    const heals: Shape = (order) => ({
      reaches: (a, b, at) => at > 6000 || order.indexOf(a) < 2 === order.indexOf(b) < 2,
    })
    for (const { seed, world } of runs(200, 5, heals)) {
      expect([seed, world.alarms.length, world.voices.length]).toEqual([seed, 2, 1])
    }
  })

  it('says nothing and reports where a peer sees Redis, however far away', () => {
    const line = links(byName(5), (a, b) => Math.abs(Number(a.slice(1)) - Number(b.slice(1))) === 1)
    const shapes: Shape[] = [
      (order) => ({ healthy: (name) => name !== order[2] }),
      (order) => ({ healthy: (name) => name === order[4] }),
      () => ({ suspects: 900, reaches: line, healthy: (name) => name === 'n4' }),
    ]
    for (const shape of shapes) {
      for (const { seed, plan, world } of runs(100, 5, shape)) {
        expect([seed, world.alarms, world.voices]).toEqual([seed, [], []])
        const isolated = [...world.states.values()].filter(({ isIsolated }) => isIsolated)
        expect(isolated).toHaveLength(plan.names.filter((name) => !plan.healthy?.(name, 0)).length)
        expect(world.reports.length).toBeGreaterThan(0)
        for (const { to } of world.reports) expect(plan.healthy?.(to, 0)).toBe(true)
      }
    }
  })

  it('speaks when the last peer that saw Redis sees it no more, and hushes when one sees it again', () => {
    const gone: Shape = (order) => ({ healthy: (name, at) => name === order[4] && at < 6000 })
    for (const { seed, world } of runs(100, 5, gone, 14_000)) {
      expect([seed, world.alarms.length, world.voices.length]).toEqual([seed, 1, 1])
      expect(world.alarms[0]?.at).toBeGreaterThan(6000)
    }
    const back: Shape = (order) => ({ healthy: (name, at) => name === order[4] && at > 6000 })
    for (const { seed, world } of runs(100, 5, back)) {
      expect([seed, world.alarms.length, world.voices.length]).toEqual([seed, 1, 0])
    }
  })

  it('lets one speak where three messages in ten are lost', () => {
    for (const { seed, world } of runs(200, 5, (_, random) => ({ reaches: () => random() > 0.3 }))) {
      expect([seed, world.alarms.length, world.voices.length]).toEqual([seed, 1, 1])
    }
  })

  it('seldom alarms twice where neighbours only hear each other, and badly', () => {
    const badLine: Shape = (_, random) => ({
      reaches: (a, b) => Math.abs(Number(a.slice(1)) - Number(b.slice(1))) === 1 && random() > 0.3,
    })
    const all = [...runs(200, 6, badLine)].map(({ world }) => world)
    expect(Math.min(...all.map(({ alarms }) => alarms.length))).toBe(1)
    expect(Math.min(...all.map(({ voices }) => voices.length))).toBe(1)
    expect(all.filter(({ alarms }) => alarms.length > 1).length).toBeLessThan(30)
    expect(all.filter(({ voices }) => voices.length > 1).length).toBeLessThan(10)
  })

  it('ends with one voice though each node has an order of its own, and seldom alarms twice', () => {
    const views: Shape = (order, random) => {
      const orders = new Map(order.map((name) => [name, order.toSorted(() => random() - 0.5)] as const))
      return { orderOf: (name) => orders.get(name) ?? [] }
    }
    const all = [...runs(200, 5, views)].map(({ world }) => world)
    expect(all.map(({ voices }) => voices.length)).toEqual(all.map(() => 1))
    expect(Math.min(...all.map(({ alarms }) => alarms.length))).toBe(1)
    expect(all.filter(({ alarms }) => alarms.length > 1).length).toBeLessThan(10)
  })

  it('gives those first in the order time to be heard by the others', () => {
    const late: Shape = (_, random) => {
      const opens = 1000 + random() * 2500
      return { reaches: (_from, _to, at) => at > opens }
    }
    const all = [...runs(200, 5, late)].map(({ world }) => world)
    expect(all.map(({ voices }) => voices.length)).toEqual(all.map(() => 1))
    expect(all.filter(({ alarms }) => alarms.length === 5).length).toBeLessThan(10)
  })

  it('agrees on the newest view where nodes saw different ones', () => {
    const views: Shape = (order) => ({
      outageOf: (name) => (name === order[0] ? { ...outage, lastEpoch: 6 } : outage),
    })
    for (const { seed, world } of runs(100, 5, views)) {
      expect([seed, world.alarms.map((one) => one.outage.lastEpoch)]).toEqual([seed, [7]])
    }
  })

  it('asks but a few of many peers each period', () => {
    const [run] = runs(1, 100, () => ({}), 6000)
    expect(run?.world.voices).toHaveLength(1)
    const periods = 5000 / lanPicker.period
    expect(run?.world.calls).toBeLessThan(100 * periods * 40)
  })
})
