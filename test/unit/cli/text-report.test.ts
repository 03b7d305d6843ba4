import { expect, test } from 'vitest'
import type { RunReport } from '../../../src/cli/report/run-report.ts'
import { textReport } from '../../../src/cli/report/text.ts'
import { statusOf } from '../../../src/core/status.ts'
import { english } from '../../../src/core/text.ts'
import { anAlarm, began } from '../../support/alarms.ts'

const step = { since: began, at: began, took: 5, notes: ['all green'], reason: null, blind: 0 }

function report(problems: ReturnType<typeof anAlarm>['problem'][]): RunReport {
  const steps = {
    memory: { ...step, outcome: 'ok' as const },
    lag: { ...step, outcome: 'unknown' as const, reason: 'no right to look' },
  }
  const state = {
    steps,
    problems: Object.fromEntries(problems.map((one) => [`${one.step}/${one.key}`, one])),
    raises: {},
  }
  const record = { name: 'cache', kind: 'redis', title: 'Redis', at: began, took: 12, state, samples: {} }
  return {
    platform: 'shop',
    node: 'n1',
    at: new Date(began).toISOString(),
    tookSeconds: 60,
    exitCode: 1,
    healed: [],
    ...statusOf([record], english),
  }
}

const told = (problems: ReturnType<typeof anAlarm>['problem'][], width = 80) =>
  textReport(report(problems), { colour: false, width, language: english })

test('what is wrong stands first, with since when, what was tried and what to do', () => {
  const trial = { at: began, title: 'purge it', result: 'failed', took: 2000, detail: 'it refused' } as const
  const { problem } = anAlarm('raised', { tried: [trial] })
  expect(told([problem])).toBe(`✗ CRITICAL  cache/memory
    memory is 93 % full
    since 2026-11-20 22:45:00 UTC, for 1 min
    tried  purge it: it failed (2 s): it refused
    to do  raise maxmemory

? UNKNOWN  cache/lag
    no right to look

1 critical, 1 unknown, 1 ok
1 story in 1 min · shop, node n1, 2026-11-20 22:45:00 UTC
`)
})

test('blindness that is a problem already is not told twice', () => {
  const { problem } = anAlarm('raised', { step: 'lag', key: 'blind', severity: 'warning' })
  expect(told([problem])).not.toContain('UNKNOWN')
})

test('no line is longer than the terminal is wide, and no figure is parted from its unit', () => {
  const { problem } = anAlarm('raised', {
    summary: 'the disk of the data is full to 97 % and it grows by 3 GiB a day',
  })
  const lines = told([problem], 50).split('\n').slice(0, 8)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50)
  expect(lines.some((line) => /^\s*(%|GiB)/.test(line))).toBe(false)
})

test('what comes from a watched system cannot steer the terminal', () => {
  const { problem } = anAlarm('raised', { summary: 'queue \u001b[2J\u001b]0;owned\u0007 is long' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
  expect(told([problem])).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
})
