import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConnectionFailure } from '../../../src/core/failure.ts'
import type { Entry } from '../../../src/core/plan.ts'
import { defineStory, type Problem } from '../../../src/core/story.ts'
import { entryOf } from '../../support/entry.ts'
import { rounds } from '../../support/rounds.ts'

const options = z.strictObject({})
const dead = new Set<string>()
const bad: Problem = { severity: 'critical', summary: 'no worker answers', advice: 'start one' }
const acts: string[] = []

/** A server that a test lets die. */
const server = (name: string, ...dependsOn: Entry['dependsOn']) =>
  entryOf(
    defineStory({
      title: 'Server',
      options,
      open() {
        if (dead.has(name)) throw new ConnectionFailure('refused', '127.0.0.1:1')
      },
      steps: { fits: { title: 'it fits', check: () => {} } },
    }),
    { name, dependsOn },
  )

/** Something that does not work while one of these is dead, or the test says so; its cure helps against nothing. */
const user = (name: string, needs: readonly string[], ...dependsOn: Entry['dependsOn']) =>
  entryOf(
    defineStory({
      title: 'User',
      options,
      steps: {
        works: {
          title: 'it works',
          check({ problem }) {
            if (![name, ...needs].some((one) => dead.has(one))) return
            const run = () => void acts.push(name)
            problem({ ...bad, resolve: { title: 'restart it', consent: 'auto', settle: 0, run } })
          },
        },
      },
    }),
    { name, dependsOn },
  )

const on = (entry: string, step: string | null = null) => ({ entry, step })

function platform() {
  dead.clear()
  acts.length = 0
  const cache = server('cache')
  const workers = user('workers', ['cache'], on('cache'))
  const beat = user('beat', ['workers', 'cache'], on('workers'), on('cache'))
  const all = rounds([cache, workers, beat])
  const told = async () =>
    (await all.store.alarms(100)).toReversed().map(({ alarm }) => `${alarm.kind} ${alarm.entry}`)
  const stateOf = async (name: string) => (await all.store.entry(name))?.state.problems['works']
  return { cache, workers, beat, told, stateOf, ...all }
}

describe('an entry that depends on a broken one', () => {
  it('is not told: people hear of the cause alone, and what it takes with it', async () => {
    const { cache, workers, beat, run, store, told, stateOf } = platform()
    dead.add('cache')
    await run(cache)
    await run(workers)
    await run(beat)
    expect(await told()).toEqual(['raised cache'])
    expect((await store.alarms(1))[0]?.alarm.affected).toEqual(['workers', 'beat'])
    expect(await stateOf('workers')).toMatchObject({ phase: 'raised', cause: 'cache', toldAt: null })
    expect((await stateOf('beat'))?.cause, 'the root, not the nearest').toBe('cache')
    expect(acts, 'no cure before the cause is mended').toEqual([])
  })

  it('asks the cause itself where nobody has looked at it since', async () => {
    const { cache, workers, run, told } = platform()
    await run(cache)
    dead.add('cache')
    await run(workers)
    expect(await told()).toEqual([])
    await run(cache)
    expect(await told()).toEqual(['raised cache'])
  })

  it('is told by itself where nothing it depends on is broken', async () => {
    const { cache, workers, run, told } = platform()
    await run(cache)
    dead.add('workers')
    const { state } = await run(workers)
    expect(await told()).toEqual(['raised workers'])
    expect(state.problems['works']?.cause).toBeUndefined()
    expect(acts).toEqual(['workers'])
  })

  it('that comes back with the cause was never told', async () => {
    const { cache, workers, run, told, stateOf } = platform()
    dead.add('cache')
    await run(cache)
    await run(workers)
    dead.clear()
    await run(cache)
    await run(workers)
    expect(await told()).toEqual(['raised cache', 'recovered cache'])
    expect(await stateOf('workers')).toBeUndefined()
  })

  it('that stays broken has a while to come back, and is told then', async () => {
    const { cache, workers, run, told, clock } = platform()
    dead.add('cache').add('workers')
    await run(cache)
    await run(workers)
    dead.delete('cache')
    await run(cache)
    await run(workers)
    expect(await told()).toEqual(['raised cache', 'recovered cache'])
    await clock.advance(61_000)
    await run(workers)
    expect(await told()).toEqual(['raised cache', 'recovered cache', 'raised workers'])
  })

  it('of which people know already is not told again while the cause lasts, but its end is', async () => {
    const { cache, workers, run, told, clock } = platform()
    dead.add('workers')
    await run(workers)
    dead.add('cache')
    await run(cache)
    await clock.advance(4_000_000)
    await run(workers)
    expect(await told(), 'no reminder').toEqual(['raised workers', 'raised cache'])
    dead.clear()
    await run(cache)
    await run(workers)
    expect(await told()).toEqual(['raised workers', 'raised cache', 'recovered cache', 'recovered workers'])
  })
})
