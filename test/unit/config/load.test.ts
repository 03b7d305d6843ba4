import { hostname } from 'node:os'
import type { Secret, ServerUrl } from 'healthz'
import { expect, test } from 'vitest'
import { channels, entry, load, stories } from './fixtures.ts'

const least = entry('with: { url: redis://h }')

test('what a file leaves out has a value that works', async () => {
  const plan = await load(least)
  expect(plan).toMatchObject({
    platform: 'platform',
    node: hostname(),
    language: { code: 'en' },
    channels: [],
    alarms: { groupWait: 10_000, routes: [], fallback: null, fallbackAfter: 600_000 },
    store: { file: 'data/healthz.db', retention: 30 * 86_400_000 },
    http: { host: '127.0.0.1', port: 9180 },
    limits: { concurrency: 128, cures: 2, blastRadius: 0.3 },
    secrets: [],
  })
  const { story, options, ...others } = plan.entries[0] ?? {}
  expect(story).toBe(await stories.load('cache'))
  expect(options).toMatchObject({ timeout: 2000, db: 0, tls: false, mode: 'single' })
  expect(others).toEqual({
    name: 'cache',
    kind: 'cache',
    scope: 'cluster',
    spread: 'ring',
    dependsOn: [],
    role: null,
    tags: [],
    pace: { every: 600_000, jitter: 0 },
    policy: {
      confirm: 2,
      clear: 2,
      remindEvery: 14_400_000,
      blindAfter: 3,
      flapping: { raises: 3, window: 3_600_000, calm: 600_000 },
      steps: { replication: { confirm: 1 } },
    },
    confirmAfter: 5000,
    steps: {
      memory: { on: true, limits: { warning: 80, critical: 90 } },
      latency: { on: true, limits: undefined },
      replication: { on: false, limits: undefined },
      audit: { on: false, limits: undefined },
    },
    resolve: { mode: 'auto', allow: [], coolDown: 300_000, maxAttempts: 3 },
    start: null,
    deadlines: { open: 5000, step: 10_000, story: 45_000 },
  })
})

test('everything that can be set is heard', async () => {
  const plan = await load(`
platform: shop
node: n1
language: zh-CN
interval: 1m
stories:
  - story: cache
    name: main cache
    every: 30s
    jitter: 500ms
    tags: [data, eu]
    with: { url: "rediss://u:p%40ss@h:1/0", password: open }
    severity: warning
    confirm: 3
    clear: 4
    confirmAfter: 2s
    resolve: { mode: ask, allow: [memory], coolDown: 1h, maxAttempts: 9 }
    deadlines: { open: 1s, step: 2s, story: 1m30s }
    steps: { memory: { severity: critical, confirm: 1, clear: 1, warning: 50 }, latency: off, audit: { most: 2 }, connect: { confirm: 5 } }
  - story: web
    cron: "0 */5 * * *"
    timezone: Asia/Shanghai
    with: { url: https://a.example }
    resolve: off
  - { story: web, name: later, enabled: false, with: { url: https://b.example } }
channels:
  ops: { use: mail, smtp: smtp://mx, to: [ops@example.com] }
  tty: { use: console }
alarms:
  groupWait: 0s
  remindEvery: never
  routes:
    - { match: { severity: critical, story: [cache, web], entry: main cache, tag: eu }, to: [ops], continue: true }
    - { to: [] }
  fallback: tty
  fallbackAfter: 5m
  confirm: 5
  clear: 6
  blindAfter: 7
  flapping: { raises: 4, window: 2h, calm: 20m }
store: { file: /x/y.db, retention: 7d }
http: { listen: "[::1]:80" }
limits: { concurrency: 3, cures: 1, blastRadius: 45.5% }
`)
  expect(plan).toMatchObject({
    platform: 'shop',
    node: 'n1',
    language: { code: 'zh-CN' },
    alarms: {
      groupWait: 0,
      fallback: 'tty',
      fallbackAfter: 300_000,
      routes: [
        {
          match: { severity: ['critical'], story: ['cache', 'web'], entry: ['main cache'], tag: ['eu'] },
          to: ['ops'],
          continue: true,
        },
        { match: {}, to: [], continue: false },
      ],
    },
    store: { file: '/x/y.db', retention: 604_800_000 },
    http: { host: '::1', port: 80 },
    limits: { concurrency: 3, cures: 1, blastRadius: 0.455 },
  })
  const [first, second, ...rest] = plan.entries
  expect(rest).toEqual([])
  expect(first).toMatchObject({
    name: 'main cache',
    pace: { every: 30_000, jitter: 500 },
    tags: ['data', 'eu'],
    policy: {
      confirm: 3,
      clear: 4,
      remindEvery: null,
      blindAfter: 7,
      flapping: { raises: 4, window: 7_200_000, calm: 1_200_000 },
      steps: {
        connect: { severity: 'warning', confirm: 5 },
        memory: { severity: 'critical', confirm: 1, clear: 1 },
        latency: { severity: 'warning' },
        replication: { severity: 'warning', confirm: 1 },
      },
    },
    confirmAfter: 2000,
    steps: {
      memory: { on: true, limits: { warning: 50, critical: 90 } },
      latency: { on: false },
      audit: { on: true, limits: { most: 2 } },
    },
    resolve: { mode: 'ask', allow: ['memory'], coolDown: 3_600_000, maxAttempts: 9 },
    deadlines: { open: 1000, step: 2000, story: 90_000 },
  })
  if (first === undefined) throw new Error('no entry')
  const { url, password } = first.options as { url: ServerUrl; password: Secret }
  expect([url.url.href, url.password?.reveal(), password.reveal()]).toEqual([
    'rediss://h:1/0',
    'p@ss',
    'open',
  ])
  expect([...plan.secrets].sort()).toEqual(['open', 'p@ss'])
  expect(second).toMatchObject({
    name: 'web',
    pace: { cron: '0 */5 * * *', timezone: 'Asia/Shanghai', jitter: 0 },
    policy: { confirm: 5, clear: 6 },
    resolve: { mode: 'off' },
  })
  expect(plan.channels).toMatchObject([
    { name: 'ops', kind: 'mail', options: { to: ['ops@example.com'] } },
    { name: 'tty', kind: 'console', options: {} },
  ])
  expect(plan.channels[0]?.channel).toBe(await channels.load('mail'))
})

test.each([
  ['store: memory', { store: { file: null, retention: 2_592_000_000 } }],
  ['store: { file: memory, retention: 1d }', { store: { file: null, retention: 86_400_000 } }],
  ['http: off', { http: null }],
  ['http: false', { http: null }],
  ['http: { listen: "8080" }', { http: { host: '127.0.0.1', port: 8080 } }],
  ['http: { listen: "0.0.0.0:8080" }', { http: { host: '0.0.0.0', port: 8080 } }],
  ['limits: { blastRadius: 0.5 }', { limits: { blastRadius: 0.5 } }],
])('%s is understood', async (line, part) => {
  expect(await load(`${least}${line}\n`)).toMatchObject(part)
})

test('a step that decides by the options is on where they say so', async () => {
  const plan = await load(entry('with: { url: redis://h, replica: true }'))
  expect(plan.entries[0]?.steps['replication']).toEqual({ on: true, limits: undefined })
})

test('the command line is louder than the file, but not than an entry', async () => {
  const text = `interval: 1m\n${least}  - { story: web, every: 5s, with: { url: https://a.example } }\n`
  const plan = await load(text, { overrides: { interval: 7000, resolve: 'off', language: 'zh-CN' } })
  expect(plan.entries.map(({ pace }) => pace)).toEqual([
    { every: 7000, jitter: 0 },
    { every: 5000, jitter: 0 },
  ])
  expect(plan.entries.map(({ resolve }) => resolve.mode)).toEqual(['off', 'off'])
  expect(plan.language.code).toBe('zh-CN')
})

test('the language is asked for only where it is not English', async () => {
  const asked: string[] = []
  const language = async (code: string) => {
    asked.push(code)
    return { code, texts: {} }
  }
  await load(least, { language })
  await load(`language: zh-CN\n${least}`, { language })
  expect(asked).toEqual(['zh-CN'])
})

test('the hash changes with what holds, not with how it is written, nor with the node', async () => {
  const hash = async (text: string, env = {}) => (await load(text, { env })).hash
  const first = await hash(least)
  expect(first).toMatch(/^[\da-f]{12}$/)
  expect(await hash(`# x\nnode: other\ninterval: 600s\nhttp: {}\n${least}`)).toBe(first)
  expect(await hash(`interval: 11m\n${least}`)).not.toBe(first)
  const secret = entry('with: { url: redis://h, password: "${P}" }')
  expect(await hash(secret, { P: 'one' })).not.toBe(await hash(secret, { P: 'two' }))
  expect(await hash(secret, { P: 'one' })).toBe(await hash(secret, { P: 'one' }))
})
