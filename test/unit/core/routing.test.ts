import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Route } from '../../../src/core/plan.ts'
import { channelsFor } from '../../../src/core/routing.ts'
import { anAlarm } from '../../support/alarms.ts'

const all = ['mail', 'chat', 'phone']

const route = (to: readonly string[], match: Route['match'] = {}, goesOn = false): Route => ({
  match,
  to,
  continue: goesOn,
})

const channels = (routes: readonly Route[], alarm = anAlarm(), story?: string) =>
  channelsFor({ ...alarm, ...(story !== undefined && { story }) }, { routes }, all)

describe('routes', () => {
  test('without any, an alarm goes to all channels', () => {
    expect(channels([])).toEqual(all)
  })

  test('the first that matches decides', () => {
    expect(channels([route(['phone'], { severity: ['critical'] }), route(['mail'])])).toEqual(['phone'])
    expect(channels([route(['phone'], { severity: ['warning'] }), route(['mail'])])).toEqual(['mail'])
  })

  test('one that says "continue" lets the next have its say', () => {
    const routes = [route(['phone'], {}, true), route(['chat', 'phone']), route(['mail'])]
    expect(channels(routes)).toEqual(['phone', 'chat'])
  })

  test('match by severity, story, entry and tag; all conditions must hold, any value of one will do', () => {
    const alarm = anAlarm('raised', { entry: 'cache', tags: ['web', 'eu'] })
    const isMatch = (match: Route['match'], story?: string) =>
      channels([route(['phone'], match), route(['mail'])], alarm, story)[0] === 'phone'
    expect(isMatch({ tag: ['us', 'eu'] })).toBe(true)
    expect(isMatch({ tag: ['us'] })).toBe(false)
    expect(isMatch({ entry: ['cache'], severity: ['critical', 'warning'] })).toBe(true)
    expect(isMatch({ entry: ['cache'], severity: ['warning'] })).toBe(false)
    expect(isMatch({ story: ['redis'] }, 'redis')).toBe(true)
    expect(isMatch({ story: ['redis'] }, 'mysql')).toBe(false)
    expect(isMatch({ story: ['redis'] })).toBe(true)
  })

  test('match what every node tells about itself by its name, and by that of one node', () => {
    const goesTo = (entry: string, wanted: string) =>
      channels([route(['phone'], { entry: [wanted] }), route(['mail'])], anAlarm('raised', { entry }))
    expect(goesTo('host@web-1', 'host')).toEqual(['phone'])
    expect(goesTo('host@web-1', 'host@web-1')).toEqual(['phone'])
    expect(goesTo('host@web-1', 'host@web-2')).toEqual(['mail'])
    expect(goesTo('host@web-1', 'web-1')).toEqual(['mail'])
    expect(goesTo('host', 'host@web-1')).toEqual(['mail'])
    expect(goesTo('db@eu@web-1', 'db@eu')).toEqual(['phone'])
    expect(goesTo('db@eu@web-1', 'db')).toEqual(['mail'])
    expect(goesTo('@web-1', '')).toEqual(['mail'])
  })

  test('where none matches, the alarm goes to all channels: never silent', () => {
    expect(channels([route(['phone'], { entry: ['another'] })])).toEqual(all)
  })

  test('those that name only channels that are gone count as none', () => {
    expect(channels([route(['pager'])])).toEqual(all)
    expect(channels([route(['pager', 'chat'])])).toEqual(['chat'])
  })

  test('a route to nobody is how people say that they want none', () => {
    expect(channels([route([], { entry: ['cache'] })])).toEqual([])
    expect(channels([route([], {}, true), route(['mail'])])).toEqual(['mail'])
  })
})

describe('for any routes', () => {
  const anyMatch = fc.record(
    {
      severity: fc.subarray(['warning', 'critical'] as const),
      entry: fc.subarray(['cache', 'db']),
      tag: fc.subarray(['web', 'eu']),
    },
    { requiredKeys: [] },
  )
  const anyRoute = fc.record({
    match: anyMatch,
    to: fc.subarray([...all, 'gone'], { minLength: 1 }),
    continue: fc.boolean(),
  })
  const anyAlarm = fc
    .record({
      entry: fc.constantFrom('cache', 'db', 'web'),
      severity: fc.constantFrom('warning' as const, 'critical' as const),
      tags: fc.subarray(['web', 'eu']),
    })
    .map((parts) => anAlarm('raised', parts))

  test('an alarm goes to somebody, to nobody twice, and only to channels that exist', () => {
    fc.assert(
      fc.property(fc.array(anyRoute), anyAlarm, (routes, alarm) => {
        const to = channels(routes, alarm)
        expect(to.length).toBeGreaterThan(0)
        expect(new Set(to).size).toBe(to.length)
        expect(to.filter((name) => !all.includes(name))).toEqual([])
      }),
    )
  })

  test('routes behind one that matches without "continue" change nothing', () => {
    fc.assert(
      fc.property(fc.array(anyRoute), fc.array(anyRoute), anyAlarm, (before, after, alarm) => {
        const stop = route(['mail'])
        expect(channels([...before, stop, ...after], alarm)).toEqual(channels([...before, stop], alarm))
      }),
    )
  })

  test('a route that does not match changes nothing', () => {
    fc.assert(
      fc.property(fc.array(anyRoute), fc.array(anyRoute), anyAlarm, (before, after, alarm) => {
        const deaf = route(['phone'], { entry: ['no such entry'] })
        const [withIt, without] = [
          [...before, deaf, ...after],
          [...before, ...after],
        ]
        expect(channels(withIt, alarm)).toEqual(channels(without, alarm))
      }),
    )
  })
})
