import { describe, expect, test } from 'vitest'
import { pageOf } from '../../../../channels/mail/page.ts'
import { aDigest, anAlarm, began, chinese } from '../../../support/alarms.ts'

const trial = { at: began, title: 'restart it', result: 'failed', took: 2000, detail: null } as const

describe('the page', () => {
  test('holds all that the plain text holds', () => {
    const alarms = [
      anAlarm('raised', {
        tried: [trial],
        cure: { title: 'fail over', consent: 'ask' },
        evidence: { used: 93 },
        tags: ['web'],
      }),
      anAlarm('recovered', { entry: 'broker' }),
    ]
    const page = pageOf(aDigest(alarms))
    const text = page
      .replace(/<style>.*?<\/style>/s, '')
      .replace(/<[^>]*>/g, ' ')
      .replace(/&(ensp|nbsp);/g, ' ')
      .replace(/\s+/g, ' ')
    expect(text).toContain('shop CRITICAL 1 raised, 1 recovered')
    expect(text).toContain(
      'RAISED · CRITICAL cache memory is 93 % full since 2026-11-20 22:45:00 UTC, for 2 min tried restart it (2026-11-20 22:45:00 UTC): failed after 2 s what to do raise maxmemory waits for your consent fail over details used=93 where cache/memory (Redis) · web',
    )
    expect(text).toMatch(/RECOVERED broker .* healthz of shop, node web-1, 2026-11-20 22:47:00 UTC $/)
  })

  test('escapes whatever a watched system puts into it', () => {
    const evil = '<img src=x onerror=alert(1)>"\'&amp;'
    const page = pageOf(
      aDigest([
        anAlarm('raised', {
          summary: evil,
          advice: evil,
          title: evil,
          entry: evil,
          key: evil,
          tags: [evil],
          evidence: { [evil]: evil },
          tried: [{ ...trial, title: evil, detail: evil }],
          cure: { title: evil, consent: 'ask' },
        }),
      ]),
    )
    expect(page).not.toContain('<img')
    expect(page).toContain('&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;amp;')
  })

  test('loads nothing and runs nothing', () => {
    expect(pageOf(aDigest())).not.toMatch(/<(script|link|img|iframe|form)|url\(|https?:/i)
  })

  test('says its language', () => {
    const page = pageOf(aDigest([anAlarm()], chinese))
    expect(page).toContain('<html lang="zh-CN">')
    expect(page).toContain('处理建议')
    expect(page).not.toContain('what to do')
  })
})
