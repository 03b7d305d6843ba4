import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Alarm, AlarmKind } from '../../../src/core/alarm.ts'
import { digestOf } from '../../../src/core/digest.ts'
import type { Severity } from '../../../src/core/outcome.ts'
import { english, say, seconds } from '../../../src/core/text.ts'
import { aDigest, anAlarm, began, chinese } from '../../support/alarms.ts'

const minutes = (count: number) => count * 60_000

/** A night's worth: two new problems, one old, one mended, one over, one no longer watched. */
const night: readonly Alarm[] = [
  anAlarm('recovered', {
    entry: 'workers',
    title: 'Celery',
    step: 'queue-length',
    key: 'mail',
    summary: say`1 200 messages wait in mail (limit 1 000)`,
    since: began - minutes(10),
    goodSince: began + minutes(2),
    at: began + minutes(2),
  }),
  anAlarm('withdrawn', {
    entry: 'old-db',
    title: 'MySQL',
    step: 'replication',
    summary: 'the replica is behind',
  }),
  anAlarm('raised', {
    severity: 'warning',
    entry: 'search',
    title: 'Elasticsearch',
    step: 'shards',
    summary: 'shard 3 of orders is unassigned:\nthe disk is full',
    advice: 'free disk on data-2',
  }),
  anAlarm('raised', {
    tags: ['web'],
    evidence: { used: 3_972_844_748, limit: 4_294_967_296 },
    tried: [
      {
        at: began + 60_000,
        title: say`flush the expired keys`,
        result: 'still-there',
        took: 3200,
        detail: say`none was expired`,
      },
      { at: began + 70_000, title: say`restart the server`, result: 'held-back', took: 0, detail: null },
    ],
    cure: { title: say`restart the server`, consent: 'ask' },
  }),
  anAlarm('reminded', { entry: 'broker', title: 'RabbitMQ', step: 'alarms', since: began - minutes(300) }),
  anAlarm('healed', {
    entry: 'web',
    title: 'Supervisor',
    step: 'running',
    key: 'api',
    summary: 'api is FATAL',
    goodSince: began + 12_000,
    tried: [{ at: began + 1000, title: say`start ${'api'}`, result: 'healed', took: 11_000, detail: null }],
  }),
]

describe('the text', () => {
  test('tells a person at night what is broken, since when, how badly, what was tried and what to do', () => {
    expect(aDigest(night).text).toBe(`\
RAISED CRITICAL cache: memory is 93 % full
  since 2026-11-20 22:45:00 UTC, for 2 min
  tried: flush the expired keys (2026-11-20 22:46:00 UTC): did not help, took 3.2 s: none was expired
  tried: restart the server (2026-11-20 22:46:10 UTC): held back
  what to do: raise maxmemory
  waits for your consent: restart the server
  details: used=3972844748 limit=4294967296
  where: cache/memory (Redis)

RAISED WARNING search: shard 3 of orders is unassigned:
    the disk is full
  since 2026-11-20 22:45:00 UTC, for 2 min
  what to do: free disk on data-2
  where: search/shards (Elasticsearch)

STILL CRITICAL broker: memory is 93 % full
  since 2026-11-20 17:45:00 UTC, for 5 h 2 min
  what to do: raise maxmemory
  where: broker/alarms (RabbitMQ)

HEALED web: api is FATAL
  healed after 12 s; it began 2026-11-20 22:45:00 UTC
  tried: start api (2026-11-20 22:45:01 UTC): healed in 11 s
  where: web/running/api (Supervisor)

RECOVERED workers: 1 200 messages wait in mail (limit 1 000)
  recovered after 12 min: from 2026-11-20 22:35:00 UTC to 2026-11-20 22:47:00 UTC
  where: workers/queue-length/mail (Celery)

NO LONGER WATCHED old-db: the replica is behind
  it began 2026-11-20 22:45:00 UTC and was last seen 2026-11-20 22:45:01 UTC
  where: old-db/replication (MySQL)

healthz of shop, node web-1, 2026-11-20 22:47:00 UTC`)
  })

  test('is Chinese throughout for a Chinese reader', () => {
    const digest = aDigest(
      [anAlarm('raised', { flapping: true }), anAlarm('recovered', { entry: 'broker' })],
      chinese,
    )
    expect(digest.language).toBe('zh-CN')
    expect(digest.subject).toBe('[healthz shop] 严重 1 项发生、1 项已恢复：cache：内存已使用 93 %')
    expect(digest.text).toBe(`\
发生 严重 cache：内存已使用 93 %
  始于 2026-11-20 22:45:00 UTC，已持续 2 分钟；时有时无
  处理建议：调大 maxmemory
  位置：cache/memory（Redis）

已恢复 broker：内存已使用 93 %
  2 分钟后恢复：2026-11-20 22:45:00 UTC 至 2026-11-20 22:47:00 UTC
  位置：broker/memory（Redis）

shop 的 healthz，节点 web-1，2026-11-20 22:47:00 UTC`)
  })

  test.each([
    ['rehearsed', 'only rehearsed, nothing was changed'],
    ['failed', 'failed after 2 s'],
  ] as const)('a cure that was %s is told as such', (result, words) => {
    const trial = { at: began, title: 'restart it', result, took: 2000, detail: null }
    expect(aDigest([anAlarm('raised', { tried: [trial] })]).text).toContain(
      `tried: restart it (2026-11-20 22:45:00 UTC): ${words}\n`,
    )
  })

  test('nobody is asked to consent to a cure that has run', () => {
    const cure = { title: 'restart it', consent: 'ask' } as const
    const trial = { at: began, title: 'restart it', result: 'failed', took: 1, detail: null } as const
    expect(aDigest([anAlarm('raised', { cure })]).alarms[0]?.offer).toBe('restart it')
    expect(aDigest([anAlarm('raised', { cure, tried: [trial] })]).alarms[0]?.offer).toBeNull()
    expect(aDigest([anAlarm('recovered', { cure })]).alarms[0]?.offer).toBeNull()
    expect(aDigest([anAlarm('raised', { cure: { ...cure, consent: 'auto' } })]).alarms[0]?.offer).toBeNull()
  })

  test('a message that comes late says how late', () => {
    const alarms = [anAlarm('raised', { at: began + minutes(2) })]
    const late = digestOf(alarms, { platform: 'shop', node: 'a', language: english, at: began + minutes(60) })
    expect(late.text).toContain('for 2 min (told 58 min late)')
  })

  test('what a watched system says cannot steer the reader’s terminal', () => {
    const summary = 'process \u001b[31mred\u001b[0m\u0007 \u202egnp.exe\r\nsecond line'
    const { text, subject } = aDigest([anAlarm('raised', { summary, evidence: { name: '\u001b[2J' } })])
    expect(text).toMatch(/^RAISED CRITICAL cache: process red {3}gnp\.exe\n {4}second line\n/)
    for (const character of ['\u001b', '\u0007', '\u202e', '\r']) expect(text).not.toContain(character)
    expect(subject).toBe('[healthz shop] CRITICAL 1 raised: cache: process red gnp.exe second line')
  })

  test('a problem told at once is not "for 0 ms"', () => {
    expect(aDigest([anAlarm('raised', { at: began })]).alarms[0]?.when).toBe('since 2026-11-20 22:45:00 UTC')
  })
})

describe('the subject', () => {
  const subject = (...alarms: Alarm[]) => aDigest(alarms).subject

  test('says how bad, how many, and one cause', () => {
    expect(aDigest(night).subject).toBe(
      '[healthz shop] CRITICAL 2 raised, 1 still there, 1 healed, 1 recovered, 1 no longer watched: cache: memory is 93 % full',
    )
    expect(subject(anAlarm('raised', { severity: 'warning' }))).toBe(
      '[healthz shop] WARNING 1 raised: cache: memory is 93 % full',
    )
    expect(subject(anAlarm('worsened'))).toBe('[healthz shop] CRITICAL 1 worse: cache: memory is 93 % full')
  })

  test('is OK when all is over, and does not say so of what is no longer watched', () => {
    expect(subject(anAlarm('recovered'))).toBe('[healthz shop] OK 1 recovered: cache: memory is 93 % full')
    expect(subject(anAlarm('withdrawn'))).toBe(
      '[healthz shop] 1 no longer watched: cache: memory is 93 % full',
    )
  })

  test('is cut where it is too long', () => {
    const long = subject(anAlarm('raised', { summary: `the disk ${'of data-2 '.repeat(50)}` }))
    expect(long.length).toBeLessThanOrEqual(120)
    expect(long).toMatch(/^\[healthz shop\] CRITICAL 1 raised: cache: the disk of .*…$/)
  })
})

test('figures and times stay data', () => {
  const [alarm] = aDigest([
    anAlarm('recovered', {
      summary: say`lag ${seconds(90)}`,
      evidence: { lag: 90 },
      goodSince: began + 42_000,
    }),
  ]).alarms
  expect(alarm).toMatchObject({
    summary: 'lag 1 min 30 s',
    evidence: { lag: 90 },
    since: '2026-11-20T22:45:00.000Z',
    at: '2026-11-20T22:47:00.000Z',
    lastedSeconds: 42,
    isOver: true,
    severity: 'critical',
    severityWord: 'CRITICAL',
    word: 'RECOVERED',
  })
})

describe('for any alarms', () => {
  const kinds: readonly AlarmKind[] = ['raised', 'worsened', 'reminded', 'healed', 'recovered', 'withdrawn']
  const severities: readonly Severity[] = ['warning', 'critical']
  const anyAlarm = fc
    .record({
      kind: fc.constantFrom(...kinds),
      severity: fc.constantFrom(...severities),
      entry: fc.stringMatching(/^[a-z]{1,3}$/),
      since: fc.integer({ min: began, max: began + 5 }),
      summary: fc.string({ unit: 'binary' }),
    })
    .map(({ kind, ...parts }) => anAlarm(kind, parts))
  const anyAlarms = fc.array(anyAlarm, { minLength: 1, maxLength: 12 })

  test('nothing is lost, and the order in which they come does not matter', () => {
    const shuffled = anyAlarms.chain((alarms) =>
      fc.tuple(fc.constant(alarms), fc.shuffledSubarray(alarms, { minLength: alarms.length })),
    )
    fc.assert(
      fc.property(shuffled, ([alarms, other]) => {
        const digest = aDigest(alarms)
        expect(digest.key).toMatch(/^[0-9a-f]{24}$/)
        expect(aDigest(other).key).toBe(digest.key)
        const keys = (all: readonly { readonly dedupKey: string }[]) => all.map(({ dedupKey }) => dedupKey)
        expect(keys(digest.alarms).sort()).toEqual(keys(alarms).sort())
        expect(keys(aDigest(other).alarms)).toEqual(keys(digest.alarms))
      }),
    )
  })

  test('what is open stands before what is over, and criticals before warnings', () => {
    fc.assert(
      fc.property(anyAlarms, (alarms) => {
        const order = aDigest(alarms).alarms
        const ranks = order.map(({ kind, severity }) => {
          if (kind === 'raised' || kind === 'worsened') return severity === 'critical' ? 0 : 1
          return kinds.indexOf(kind)
        })
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
        // What is raised and over in one message needs nobody any more.
        const ended = order.filter(({ isOver }) => isOver).map(({ occurrence }) => occurrence)
        const open = order.filter(({ occurrence }) => !ended.includes(occurrence))
        const worst = open.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning'
        expect(aDigest(alarms).severity).toBe(open.length === 0 ? 'ok' : worst)
      }),
    )
  })

  test('another alarm gives another key', () => {
    fc.assert(
      fc.property(anyAlarms, (alarms) => {
        expect(aDigest([...alarms, anAlarm('raised', { entry: 'another' })]).key).not.toBe(
          aDigest(alarms).key,
        )
      }),
    )
  })
})
