import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { EngineEvent } from '../../../src/core/observer.ts'
import { defineStory } from '../../../src/core/story.ts'
import { paceOf } from '../../../src/engine/pace.ts'
import { systemClock } from '../../../src/engine/system-clock.ts'
import { entryOf } from '../../support/entry.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/servers/until.ts'

const story = defineStory({ title: 'Target', options: z.strictObject({}), steps: {} })

describe('the pace by interval', () => {
  it('keeps to its grid and counts the points that a slow round has missed', async () => {
    const clock = fakeClock()
    const events: EngineEvent[] = []
    const entry = entryOf(story, { pace: { every: 10_000, jitter: 0 } })
    const ending = new AbortController()
    const starts: number[] = []
    const running = paceOf(entry, { clock, observe: (event) => events.push(event) }).run(async () => {
      starts.push(clock.elapsed())
      await clock.sleep(starts.length === 2 ? 25_000 : 1000)
    }, ending.signal)
    await clock.advance(61_000)
    expect(starts).toEqual([0, 10_000, 40_000, 50_000, 60_000])
    expect(events).toEqual([
      { type: 'round-overran', entry: 'target' },
      { type: 'round-overran', entry: 'target' },
    ])
    ending.abort()
    await clock.advance(2000)
    await running
  })

  it('spreads first rounds over the jitter', async () => {
    const entry = entryOf(story, { pace: { every: 10_000, jitter: 5000 } })
    const starts = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const clock = fakeClock()
        const ending = new AbortController()
        let start = -1
        const running = paceOf(entry, { clock, observe: () => {} }).run(async () => {
          start = start < 0 ? clock.elapsed() : start
        }, ending.signal)
        await clock.advance(5000)
        ending.abort()
        await running
        return start
      }),
    )
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0)
    expect(new Set(starts.map(Math.round)).size).toBeGreaterThan(5)
  })
})

describe('the pace by cron', () => {
  it('tells at the seconds it names, never twice at the same time, and counts what it left out', async () => {
    const events: EngineEvent[] = []
    const entry = entryOf(story, { pace: { cron: '* * * * * *', timezone: 'Asia/Shanghai', jitter: 0 } })
    const ending = new AbortController()
    let running = 0
    let most = 0
    let rounds = 0
    const release = Promise.withResolvers<void>()
    const pacing = paceOf(entry, { clock: systemClock, observe: (event) => events.push(event) }).run(
      async () => {
        most = Math.max(most, ++running)
        rounds++
        if (rounds === 1) await release.promise
        running--
      },
      ending.signal,
    )
    await until('a round is left out', () => events.length > 0)
    release.resolve()
    await until('the second round', () => rounds >= 2)
    ending.abort()
    await pacing
    expect(most).toBe(1)
    expect(events[0]).toEqual({ type: 'round-overran', entry: 'target' })
  })
})
