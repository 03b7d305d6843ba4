import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failedChecks } from '../../../../stories/k8s/api-server.ts'
import { parseSchedule, secondRunAfter } from '../../../../stories/k8s/schedule.ts'

const at = (text: string) => Date.parse(`${text}:00Z`)

describe('secondRunAfter', () => {
  test.each([
    ['0 * * * *', null, '2026-11-21T12:00', '2026-11-21T14:00'],
    ['*/15 * * * *', null, '2026-11-21T12:01', '2026-11-21T12:30'],
    ['@daily', null, '2026-11-21T12:00', '2026-11-23T00:00'],
    ['30 2 * * *', 'Europe/Berlin', '2026-11-21T12:00', '2026-11-23T01:30'],
    ['30 2 * * *', 'America/New_York', '2026-11-21T12:00', '2026-11-23T07:30'],
    ['0 9 * * mon-fri', null, '2026-11-20T10:00', '2026-11-24T09:00'],
    ['0 0 1 * *', null, '2026-11-21T12:00', '2027-01-01T00:00'],
    ['0 0 29 2 *', null, '2026-11-21T12:00', null],
    // Where both days are given, one of them is enough: Friday the 27th, then Tuesday the 1st.
    ['0 0 1 * fri', null, '2026-11-21T12:00', '2026-12-01T00:00'],
    ['0 12 * * 7', null, '2026-11-21T12:00', '2026-11-29T12:00'],
  ])('%s in %s after %s is due a second time at %s', (schedule, zone, since, due) => {
    expect(secondRunAfter(schedule, zone, at(since))).toBe(due === null ? null : at(due))
  })

  test.each([
    '@every 5m',
    '* * * *',
    '60 * * * *',
    '*/0 * * * *',
    '5-1 * * * *',
    'x * * * *',
    '1/2/3 * * * *',
    '',
  ])('%s is none that can be read', (schedule) => {
    expect(parseSchedule(schedule)).toBeNull()
    expect(secondRunAfter(schedule, null, 0)).toBeNull()
  })

  test('an unknown zone cannot be told', () => {
    expect(secondRunAfter('0 * * * *', 'Mars/Olympus', 0)).toBeNull()
  })

  test('of a schedule by minutes, it is two periods away at most, and one at least', () => {
    const periods = fc.constantFrom(1, 2, 5, 10, 15, 20, 30)
    fc.assert(
      fc.property(periods, fc.integer({ min: 0, max: 4e12 }), (minutes, since) => {
        const due = secondRunAfter(`*/${minutes} * * * *`, null, since) ?? Number.NaN
        const away = (due - since) / 60_000
        expect(away).toBeGreaterThan(minutes)
        expect(away).toBeLessThanOrEqual(2 * minutes)
      }),
    )
  })
})

describe('failedChecks', () => {
  test('names what fails, and no more', () => {
    expect(
      failedChecks(
        '[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/x failed: y\nreadyz check failed\n',
      ),
    ).toEqual(['etcd', 'poststarthook/x'])
    expect(failedChecks('<html>502</html>')).toEqual([])
  })
})
