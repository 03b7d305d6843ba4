import { expect, test } from 'vitest'
import { needsRestart, plansOf } from '../../../src/app/reload.ts'
import type { Plan } from '../../../src/core/plan.ts'
import { load } from '../config/fixtures.ts'

const base = `
node: n1
stories: [{ story: cache, with: { url: "redis://cache" } }]
store: { file: a.db }
http: { listen: "0.0.0.0:9180" }
cluster: { name: shop, secret: one, redis: { url: "redis://r:6379", password: first } }
`
const changed = (from: string, to: string) => load(base.replace(from, to))

/** A daemon that goes through its plans, and what the world is told of them. */
function daemonOn(first: Plan) {
  const stop = new AbortController()
  const told: (boolean | string)[] = []
  let take: (outcome: Plan | null) => void = () => {}
  let isListening = false
  let beforeUse = () => {}
  const reloads = (taker: typeof take): Disposable => {
    take = taker
    isListening = true
    return {
      [Symbol.dispose]() {
        isListening = false
      },
    }
  }
  const plans = plansOf(
    first,
    { signal: stop.signal, reloads },
    {
      async use(plan) {
        beforeUse()
        told.push(plan.platform)
      },
      reloaded: (isTaken) => void told.push(isTaken),
    },
  )
  return {
    stop,
    told,
    next: async () => (await plans.next()).value as readonly [Plan, AbortSignal] | undefined,
    read: (outcome: Plan | null) => take(outcome),
    isListening: () => isListening,
    whileUsing: (act: () => void) => {
      beforeUse = act
    },
  }
}

test('a good plan ends the one before, and comes next', async () => {
  const daemon = daemonOn(await load(base))
  const [, until] = (await daemon.next()) ?? []
  expect(until?.aborted).toBe(false)
  const better = await load(`platform: better${base}`)
  daemon.read(better)
  expect(until?.aborted).toBe(true)
  const [plan, again] = (await daemon.next()) ?? []
  expect([plan, again?.aborted]).toEqual([better, false])
  expect(daemon.told).toEqual([true, 'better', true])
})

test('a plan with faults, or one that needs a restart, ends nothing and is told', async () => {
  const daemon = daemonOn(await load(base))
  const [, until] = (await daemon.next()) ?? []
  daemon.read(null)
  daemon.read(await changed('n1', 'n2'))
  expect(until?.aborted).toBe(false)
  expect(daemon.told).toEqual([false, false])
})

test('of plans that come while the work before them ends, the last good one counts, and what was read last is told', async () => {
  const daemon = daemonOn(await load(base))
  await daemon.next()
  daemon.read(await load(`platform: second${base}`))
  const third = await load(`platform: third${base}`)
  daemon.read(third)
  daemon.whileUsing(() => daemon.read(null))
  expect((await daemon.next())?.[0]).toBe(third)
  expect(daemon.told.at(-1)).toBe(false)
})

test('it ends with the daemon, and hears of nothing any more', async () => {
  const daemon = daemonOn(await load(base))
  const [, until] = (await daemon.next()) ?? []
  daemon.stop.abort('SIGTERM')
  expect(until?.aborted).toBe(true)
  expect(await daemon.next()).toBeUndefined()
  expect(daemon.isListening()).toBe(false)
})

test.each([
  ['node', 'n1', 'n2'],
  ['http', '9180', '9181'],
  ['store.file', 'a.db', 'b.db'],
  ['cluster', 'name: shop', 'name: other'],
  ['cluster', 'secret: one', 'secret: two'],
  ['cluster', 'password: first', 'password: second'],
  ['cluster', 'secret: one', 'secret: one, timing: { lease: 9s }'],
])('a restart is needed where %s changes: %s, then %s', async (name, from, to) => {
  expect(needsRestart(await load(base), await changed(from, to))).toEqual([name])
})

test('everything else is taken over by a reload', async () => {
  const other = `platform: other\ninterval: 3m\nroles: [edge]\nlimits: { cures: 1 }\nchannels: { out: { use: console } }\n`
  const after = await load(
    other + base.replace('cache", with', 'cache", every: 9s, with').replace('a.db', 'a.db, retention: 3d'),
  )
  expect(needsRestart(await load(base), after)).toEqual([])
})
