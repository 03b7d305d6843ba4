import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseDefinition, parseLastRun } from '../../../../stories/beat/entry.ts'
import beat from '../../../../stories/beat/index.ts'
import { lockKey, options, scheduleKey } from '../../../../stories/beat/options.ts'

describe('what RedBeat keeps of an entry', () => {
  const definition = (more: object) =>
    JSON.stringify({
      name: 'n',
      task: 't',
      args: ['secret'],
      kwargs: {},
      options: {},
      enabled: true,
      ...more,
    })

  test('its interval is known where it is fixed, its arguments never', () => {
    const interval = { schedule: { __type__: 'interval', every: 2, relative: false } }
    expect(parseDefinition(definition(interval))).toEqual({ name: 'n', task: 't', isEnabled: true, every: 2 })
    const crontab = { schedule: { __type__: 'crontab', minute: 0, hour: 3 }, enabled: false }
    expect(parseDefinition(definition(crontab))).toEqual({
      name: 'n',
      task: 't',
      isEnabled: false,
      every: null,
    })
  })

  test('the last run is a moment, whatever the time zone is written as', () => {
    const at = (timezone: unknown) =>
      parseLastRun(
        JSON.stringify({
          last_run_at: {
            __type__: 'datetime',
            year: 2026,
            month: 7,
            day: 1,
            hour: 12,
            minute: 30,
            second: 5,
            timezone,
          },
        }),
      )
    const noon = Date.UTC(2026, 6, 1, 12, 30, 5)
    expect(at(0)).toBe(noon)
    expect(at('UTC')).toBe(noon)
    expect(at(28_800)).toBe(noon - 8 * 3_600_000)
    expect(at('Asia/Shanghai')).toBe(noon - 8 * 3_600_000)
    expect(at('America/New_York')).toBe(noon + 4 * 3_600_000)
    expect(at('Nowhere/None')).toBe(noon)
  })

  test('an entry that never ran has no last run; another form is no answer and no error', () => {
    expect(parseLastRun('{"last_run_at": null}')).toBeNull()
    expect(parseLastRun('{}')).toBeNull()
    for (const text of ['', '[]', '7', '{"last_run_at": 7}']) expect(parseLastRun(text)).toBeUndefined()
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const found = parseDefinition(text)
        expect(found === null || typeof found.name === 'string').toBe(true)
        parseLastRun(text)
      }),
    )
  })

  test('the keys are those of the settings, with two colons by default', () => {
    const of = (more: object) => options.parse({ url: 'redis://h', ...more })
    expect(scheduleKey(of({}))).toBe('redbeat::schedule')
    expect(lockKey(of({}))).toBe('redbeat::lock')
    expect(lockKey(of({ prefix: 'a:' }))).toBe('a::lock')
    expect(lockKey(of({ lock: 'mine' }))).toBe('redbeat:mine')
    expect(lockKey(of({ lock: 'redbeat:mine' }))).toBe('redbeat:mine')
    expect(lockKey(of({ lock: false }))).toBeNull()
    expect(options.safeParse({}).success).toBe(false)
  })

  test('the examples of the guide are entries of a configuration', () => {
    const all = parse(beat.guide?.example ?? '')
    const entries = all.filter(({ story }: { story: string }) => story === 'beat')
    expect(entries).toHaveLength(3)
    for (const entry of entries) expect(options.safeParse(entry.with).error).toBeUndefined()
  })
})
