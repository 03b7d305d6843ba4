import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { render } from '../../../../src/core/text.ts'
import { writtenBehind } from '../../../../stories/elasticsearch/indices.ts'
import { missingRight } from '../../../../stories/elasticsearch/refusal.ts'
import { isFrom } from '../../../../stories/elasticsearch/version.ts'
import { watermarkOf } from '../../../../stories/elasticsearch/watermark.ts'
import { faultOf } from '../../../../stories/elasticsearch/write-index.ts'

const gib = 1024 ** 3

describe('a watermark', () => {
  const name = 'cluster.routing.allocation.disk.watermark.low'

  test.each([
    ['85%', undefined, 1000 * gib, 150 * gib],
    ['0.85', undefined, 1000 * gib, 150 * gib],
    ['85%', '-1', 1000 * gib, 150 * gib],
    ['85%', '100GB', 1000 * gib, 100 * gib],
    ['85%', '200GB', 1000 * gib, 150 * gib],
    ['50gb', undefined, 1000 * gib, 50 * gib],
    ['500mb', '1b', 1000 * gib, 500 * 1024 ** 2],
  ])('%s with a headroom of %s', (set, headroom, total, free) => {
    const settings = new Map([
      [name, set],
      ...(headroom ? [[`${name}.max_headroom`, headroom] as const] : []),
    ])
    expect(watermarkOf(settings, 'low', total)?.free).toBeCloseTo(free, -3)
  })

  test.each(['', 'much', '85 percent', '12'])('%j is unknown, not 0', (set) => {
    expect(watermarkOf(new Map([[name, set]]), 'low', 1000)?.free ?? null).toBe(set === '12' ? 12 : null)
  })
})

describe('a version', () => {
  test('is compared as numbers: 10 is later than 8.7, and 8.10 than 8.9', () => {
    const elastic = (number: string) => ({ product: 'elasticsearch' as const, number })
    expect(isFrom(elastic('10.0.0'), 'elasticsearch', '8.7')).toBe(true)
    expect(isFrom(elastic('8.10.0'), 'elasticsearch', '8.9')).toBe(true)
    expect(isFrom(elastic('7.17.28'), 'elasticsearch', '8.7')).toBe(false)
    expect(isFrom(elastic('8.7.0-SNAPSHOT'), 'elasticsearch', '8.7')).toBe(true)
    expect(isFrom({ product: 'opensearch', number: '9.0.0' }, 'elasticsearch', '8.7')).toBe(false)
  })
})

test('of a refusal only the names of rights are shown', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Z ]{8,20}$/), (secret) => {
      const body = `{"reason":"${secret} no permissions for [cluster:monitor/health] and User [name=${secret}]"}`
      expect(render(missingRight(body, 'the user a'))).toBe(
        'the user a lacks the permission cluster:monitor/health',
      )
      expect(render(missingRight(secret, 'the user a'))).toBe('the user a may not ask this')
    }),
  )
})

describe('a write alias', () => {
  const at = Date.parse('2026-11-21T00:10:00Z')
  const family = { write: 'w', read: 'r', daily: true, timeZone: 'UTC' }
  const shard = { missingPrimaries: 0 }
  const said = (index: string, of = family, status: 'green' | 'yellow' | 'red' = 'green', dataNodes = 3) => {
    const aliases = {
      byName: new Map([
        ['w', [{ index, isWritten: null }]],
        ['r', [{ index, isWritten: null }]],
      ]),
      indices: new Set([index]),
      hidden: 0,
    }
    // Only these parts of the health are looked at.
    const health = { dataNodes, indices: [{ name: index, status, ...shard }] } as unknown as Parameters<
      typeof faultOf
    >[2]
    const fault = faultOf(of, aliases, health, at)
    return fault === null ? null : `${fault.severity}: ${render(fault.summary)}`
  }

  test.each(['logs-20261121', 'logs_2026.11.21_0', 'logs-2026-11-21'])('%s is of today', (index) => {
    expect(said(index)).toBeNull()
  })

  test('yesterday will do for half an hour, by the clock of its time zone', () => {
    expect(said('logs-20261120')).toBeNull()
    expect(said('logs-20261119')).toBe(
      'critical: w still leads to logs-20261119, which is not of today (20261121)',
    )
    expect(said('logs-20261120', { ...family, timeZone: 'Asia/Shanghai' })).toContain(
      'not of today (20261121)',
    )
    expect(said('logs-20261120', { ...family, timeZone: 'America/New_York' })).toBeNull()
  })

  test('its index must be green, or yellow on a single data node', () => {
    expect(said('logs-20261121', family, 'yellow', 1)).toBeNull()
    expect(said('logs-20261121', family, 'yellow')).toBe('warning: logs-20261121, where w leads, is yellow')
    expect(said('logs-20261121', family, 'red')).toBe('critical: logs-20261121, where w leads, is red')
  })

  test('an index of its own name came into being by itself', () => {
    const aliases = { byName: new Map(), indices: new Set(['w']), hidden: 0 }
    const health = { dataNodes: 1, indices: [] } as unknown as Parameters<typeof faultOf>[2]
    expect(render(faultOf(family, aliases, health, at)?.summary ?? '')).toBe(
      'w is an index that came into being by itself, where a write alias is expected',
    )
  })

  test('of several the marked one is written to, of one that is marked as not written none', () => {
    expect(
      writtenBehind([
        { index: 'a', isWritten: true },
        { index: 'b', isWritten: null },
      ]),
    ).toBe('a')
    expect(
      writtenBehind([
        { index: 'a', isWritten: null },
        { index: 'b', isWritten: null },
      ]),
    ).toBeNull()
    expect(writtenBehind([{ index: 'a', isWritten: false }])).toBeNull()
    expect(writtenBehind([{ index: 'a', isWritten: null }])).toBe('a')
  })
})
