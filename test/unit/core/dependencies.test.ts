import { describe, expect, it } from 'vitest'
import { affectedBy, circleIn, isBroken } from '../../../src/core/dependencies.ts'
import { emptyState, type ProblemState } from '../../../src/core/judge.ts'
import type { Dependency } from '../../../src/core/plan.ts'
import type { EntryRecord } from '../../../src/core/store.ts'
import type { Story } from '../../../src/core/story.ts'
import { anAlarm } from '../../support/alarms.ts'

const on = (entry: string, step: string | null = null): Dependency => ({ entry, step })
const dependent = (name: string, ...dependsOn: readonly Dependency[]) => ({ name, dependsOn })

/** A story that reaches something, and one that does not. */
const reaching = { open: () => null, steps: {} } as unknown as Story
const local = { steps: {} } as unknown as Story

const recordWith = (...problems: readonly Partial<ProblemState>[]): EntryRecord => ({
  name: 'cache',
  kind: 'redis',
  title: 'Redis',
  at: 1,
  took: 1,
  state: {
    ...emptyState,
    problems: Object.fromEntries(
      problems.map((one, index) => [`${index}`, { ...anAlarm().problem, ...one }]),
    ),
  },
  samples: {},
})

describe('what others depend on', () => {
  it('is broken when it cannot be reached, not when something else is wrong with it', () => {
    const cache = { story: reaching }
    expect(isBroken(on('cache'), cache, recordWith({ step: 'connect' }))).toBe(true)
    expect(isBroken(on('cache'), cache, recordWith({ step: 'memory' }))).toBe(false)
    expect(isBroken(on('cache'), cache, recordWith({ step: 'connect', phase: 'suspected' }))).toBe(false)
    expect(isBroken(on('cache'), cache, null)).toBe(false)
  })

  it('is broken by a single step where that is what they need', () => {
    const needed = on('cache', 'writes-refused')
    expect(isBroken(needed, { story: reaching }, recordWith({ step: 'writes-refused' }))).toBe(true)
    expect(isBroken(needed, { story: reaching }, recordWith({ step: 'connect' }))).toBe(false)
  })

  it('that reaches nothing is broken by whatever is critical', () => {
    expect(isBroken(on('host'), { story: local }, recordWith({ severity: 'critical' }))).toBe(true)
    expect(isBroken(on('host'), { story: local }, recordWith({ severity: 'warning' }))).toBe(false)
  })

  it('takes with it whatever depends on it, over others too, each once', () => {
    const entries = [
      dependent('cache'),
      dependent('workers', on('cache')),
      dependent('beat', on('workers'), on('cache')),
      dependent('page', on('beat')),
      dependent('tuned', on('cache', 'memory')),
    ]
    const cache = { name: 'cache', story: reaching }
    const critical = (step: string) => ({ step, severity: 'critical' })
    expect(affectedBy(cache, critical('connect'), entries)).toEqual(['workers', 'beat', 'page'])
    expect(affectedBy(cache, critical('memory'), entries)).toEqual(['tuned'])
    expect(affectedBy(cache, critical('evictions'), entries)).toEqual([])
  })

  it('may not go round in a circle', () => {
    const chain = [dependent('a', on('b')), dependent('b', on('c')), dependent('c')]
    expect(circleIn(chain)).toBeNull()
    expect(circleIn([...chain.slice(0, 2), dependent('c', on('b'))])).toEqual(['b', 'c', 'b'])
    expect(circleIn([dependent('a', on('a'))])).toEqual(['a', 'a'])
  })
})
