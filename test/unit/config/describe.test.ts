import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { showPlan } from '../../../src/config/describe.ts'
import { writtenDuration } from '../../../src/config/written.ts'
import { parseDuration } from '../../../src/core/duration.ts'
import { load } from './fixtures.ts'

const text = `
platform: shop
node: n1
stories:
  - story: cache
    with: { url: "redis://h:1/0", timeout: 1m30s, note: "\${NOTE}" }
    tags: [a]
    steps: { memory: { warning: 70, severity: critical }, latency: off, audit: { most: 3 }, connect: { clear: 3 } }
  - { story: web, name: "s-{host}", cron: "0 * * * *", each: [{ host: a, port: 80 }], with: { url: "https://{host}/", port: "{port}" } }
channels: { c: { use: console } }
alarms: { remindEvery: never, routes: [{ match: { severity: critical }, to: [c] }], fallback: c }
store: memory
http: { listen: "[::1]:80" }
`

test('what is shown is a configuration that means the same', async () => {
  const plan = await load(text, { env: { NOTE: 'n' } })
  const again = await load(showPlan(plan))
  expect(again).toEqual(plan)
})

test('what is shown says everything that holds, defaults included', async () => {
  const shown = parse(showPlan(await load(text, { env: { NOTE: 'n' } })))
  expect(shown).toMatchObject({
    platform: 'shop',
    store: { file: 'memory', retention: '30d' },
    http: { listen: '[::1]:80' },
    alarms: { groupWait: '10s', remindEvery: 'never', flapping: { window: '1h' } },
  })
  expect(shown.stories[0]).toMatchObject({
    story: 'cache',
    every: '10m',
    with: { url: 'redis://h:1/0', timeout: '1m30s', db: 0, note: 'n' },
    steps: {
      connect: { clear: 3 },
      memory: { severity: 'critical', warning: 70, critical: 90 },
      latency: 'off',
      audit: { most: 3 },
    },
    deadlines: { open: '5s', step: '10s', story: '45s' },
  })
  expect(shown.stories[1]).toMatchObject({ name: 's-a', cron: '0 * * * *', with: { port: 80 } })
})

test('no secret is shown, however it came in', async () => {
  const plan = await load(
    `stories:
  - story: cache
    with: { url: "redis://u:in-url@h", password: "\${PASS}", note: "it is sesame1" }
  - story: web
    with: { url: "https://u:in-other@h/", headers: { Authorization: "Basic abcdef", X-Api-Key: "12345678", X: plain } }
channels: { ops: { use: mail, smtp: "smtp://u:in-smtp@h", to: [a@b.example], password: in-mail } }
`,
    { env: { PASS: 'sesame1' } },
  )
  const shown = showPlan(plan)
  for (const secret of ['in-url', 'sesame1', 'in-other', 'abcdef', '12345678', 'in-smtp', 'in-mail']) {
    expect(shown).not.toContain(secret)
  }
  expect(parse(shown).stories[0].with).toMatchObject({
    url: 'redis://u:***@h',
    password: '***',
    note: 'it is ***',
  })
  expect(parse(shown).stories[1].with.headers).toMatchObject({ X: 'plain' })
})

test('a duration is written so that it parses to the same length', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000_000), (ms) => {
      expect(parseDuration(writtenDuration(ms))).toBe(ms)
    }),
  )
  expect([0, 1500, 5_400_000, 0.5].map(writtenDuration)).toEqual(['0s', '1s500ms', '1h30m', '0.5ms'])
})
