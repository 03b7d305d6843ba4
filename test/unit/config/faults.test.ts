import { defineStory, z } from 'healthz'
import { expect, test } from 'vitest'
import { entry, faultsOf, given } from './fixtures.ts'

const many = `platfrom: shop
interval: 600
language: fr
stories:
  - story: cahe
    with: { url: redis://h }
  - story: cache
    name: c2
    every: 10x
    with:
      url: http://x
      prot: 3
      password: ""
      mode: sentinal
    steps:
      memroy: off
      memory: { warnin: 3, severity: bad }
      connect: off
    resolve: atuo
  - web
channels:
  ops: { use: mial }
alarms:
  remindEvery: nevr
  routes:
    - { match: { severity: high }, to: [opps] }
webhooks: {}
`

test('all faults of a file are told at once, in its order, each with its place and a way out', async () => {
  expect(await faultsOf(many)).toEqual([
    '1:1  unknown key "platfrom"; did you mean "platform"?',
    '2:11  "interval" must be a duration such as 30s or 10m, not a number; add a unit: ms, s, m, h or d',
    '3:11  "language" must be one of: "en", "zh-CN"',
    '5:12  there is no story of the kind "cahe"; did you mean "cache"?',
    '9:12  "every": not a duration; write a number with its unit: 500ms, 30s, 10m, 1h30m, 2d',
    '11:12  "url": not a URL that begins with redis:// or rediss://',
    '12:7  unknown key "prot"; known here: url, password, timeout, db, tls, mode, replica, note',
    '13:17  "password": empty; leave it out where there is none',
    '14:13  "mode" must be one of: "single", "sentinel", "cluster"; did you mean "sentinel"?',
    '16:7  the story has no step "memroy"; did you mean "memory"?',
    '17:17  unknown key "warnin"; did you mean "warning"?',
    '17:38  "severity" must be one of: "warning", "critical"',
    '18:16  the step "connect" cannot be switched off; switch off the entry: enabled: false',
    '19:14  "resolve" must be one of: "auto", "ask", "off", a mapping; did you mean "auto"?',
    '20:5  "stories[2]" must be a mapping, not a text',
    '22:15  there is no channel of the kind "mial"; did you mean "mail"?',
    '24:16  "remindEvery": not a duration; write a number with its unit: 500ms, 30s, 10m, 1h30m, 2d; or: "never"; did you mean "never"?',
    '26:28  "severity" must be one of: "warning", "critical", a list',
    '26:41  there is no channel "opps"; did you mean "ops"?',
    '27:1  unknown key "webhooks"; known here: platform, node, language, interval, plugins, stories, channels, alarms, store, http, limits, cluster, consul, roles',
  ])
})

const site = (line: string) => `stories:\n  - story: web\n    with: { url: https://a.example, ${line} }\n`

test.each([
  ['nothing is watched', 'platform: x\n', '1:1  "stories" is missing'],
  ['an empty list of stories', 'stories: []\n', '1:10  "stories" is empty'],
  [
    'a key left empty',
    `${site('port: 1')}channels:\n`,
    '4:1  "channels" must be a mapping, not nothing; fill it in, or leave the line out',
  ],
  ['an option left out', entry(), '2:5  "url" is missing'],
  ['an entry without a story', 'stories:\n  - name: x\n', '2:5  "story" is missing'],
  ['a list for a mapping', site('headers: [a]'), '3:46  "headers" must be a mapping, not a list'],
  [
    'a word for a list',
    `${site('port: 1')}plugins: here\n`,
    '4:10  "plugins" must be a list, not a text; put it in brackets: [ ]',
  ],
  [
    'a number for a text',
    site('headers: { a: 1 }'),
    '3:51  "a" must be a text, not a number; write it in quotes',
  ],
  [
    'a true for a text',
    site('headers: { a: true }'),
    '3:51  "a" must be a text, not true or false; write it in quotes',
  ],
  ['a text for a number', site('port: many'), '3:43  "port" must be a number, not a text'],
  [
    'a placeholder without quotes',
    site('port: {port}'),
    '3:43  "port" must be a number, not a mapping; write "{port}" in quotes',
  ],
  ['no whole number', entry('with: { url: redis://h, db: 1.5 }'), '3:33  "db" must be a whole number'],
  ['a number too small', entry('with: { url: redis://h, db: -1 }'), '3:33  "db" must be at least 0'],
  ['a number too large', entry('with: { url: redis://h, db: 16 }'), '3:33  "db" must be at most 15'],
  ['none of several kinds', site('expect: none'), '3:45  "expect" must be one of: "any", a number, a list'],
  [
    'the likeliest of several kinds',
    site('expect: [1, x]'),
    '3:49  "expect[1]" must be a number, not a text',
  ],
  [
    'a key of no use beside options that would be dropped',
    site('prot: 1'),
    '3:37  unknown key "prot"; did you mean "port"?',
  ],
  [
    'an interval below a second',
    `interval: 10ms\n${site('port: 1')}`,
    '1:11  "interval": too short; the least is 1s',
  ],
  [
    'a name with a slash',
    entry('name: a/b', 'with: { url: redis://h }'),
    '3:11  "name": a name cannot hold "/", "," or line ends, nor begin or end with a blank',
  ],
  [
    "the watchman's own name",
    entry('name: healthz', 'with: { url: redis://h }'),
    `3:11  the name "healthz" is the watchman's own`,
  ],
  [
    'a bad address',
    `${site('port: 1')}http: { listen: "host:99999" }\n`,
    '4:17  "listen": not host:port, such as 127.0.0.1:9180',
  ],
  [
    'a share above one',
    `${site('port: 1')}limits: { blastRadius: 30 }\n`,
    '4:24  "blastRadius": not a share of the whole; write 30% or 0.3',
  ],
  [
    'a channel that is a word',
    `${site('port: 1')}channels: { ops: mail }\n`,
    '4:18  a channel is a mapping with "use" and its options',
  ],
  [
    'a channel of no kind',
    `${site('port: 1')}channels: { ops: { to: x } }\n`,
    '4:18  "use" is missing, or is not a text; name a kind: use: mail',
  ],
  [
    'a bare % in a password',
    entry('with: { url: "redis://u:100%@h" }'),
    '3:18  "url": the user or the password holds a "%" that means itself; in a URL write it as %25',
  ],
  [
    'a mail address that is none',
    `${site('port: 1')}channels: { ops: { use: mail, smtp: smtp://h, to: [ops] } }\n`,
    '4:52  "to[0]" is not a mail address',
  ],
  [
    'an option of a channel that does not exist',
    `${site('port: 1')}channels: { ops: { use: console, colour: red } }\n`,
    '4:34  unknown key "colour"; known here: use',
  ],
])('%s is told with its place', async (_what, text, fault) => {
  expect(await faultsOf(text)).toEqual([fault])
})

test('two entries of one name are told, and where the other one is', async () => {
  const one = '  - { story: web, with: { url: https://a.example } }\n'
  expect(await faultsOf(`stories:\n${one}${one}`)).toEqual([
    '3:14  the name "web" is taken by the entry on line 2; give this entry a name of its own',
  ])
})

test.each(['include', 'silences'])('%s is not yet known', async (key) => {
  expect(await faultsOf(`${site('port: 1')}${key}: {}\n`)).toEqual([
    expect.stringContaining(`unknown key "${key}"`),
  ])
})

test('no fault quotes a value that may be secret', async () => {
  const text = `stories:
  - story: cache
    with: { url: "http://u:hunter2@h", password: [hunter2], db: hunter2, mode: hunter2, tls: hunter2, timeout: hunter2 }
    every: hunter2
    confirm: hunter2
    severity: hunter2
  - story: cache
    name: other
    with: { url: "\${S}", db: "\${S}", mode: "\${S}", note: { "x": "\${S}" } }
    resolve: { allow: ["\${S}"] }
    cron: "\${S}"
channels: { ops: { use: "\${S}" } }
alarms: { fallback: "\${S}", routes: [{ to: ["\${S}"] }] }
`
  const faults = await faultsOf(text, { env: { S: 'hunter2' } })
  expect(faults).toHaveLength(18)
  expect(faults.join('\n')).not.toContain('hunter2')
})

test("a plugin's own words are kept, without what came out of the environment", async () => {
  const token = z.string().refine(() => false, { error: ({ input }) => `${input} {0} does not do` })
  const throws = z.string().transform((): string => {
    throw new TypeError('hunter2')
  })
  const storyWith = (option: z.ZodType) =>
    given<never>({ odd: defineStory({ title: 'Odd', options: z.strictObject({ option }), steps: {} }) })
  const text = 'stories: [{ story: odd, with: { option: "${S}" } }]\n'
  const env = { S: 'hunter2' }
  expect(await faultsOf(text, { env, kinds: storyWith(token) })).toEqual([
    '1:41  "option": *** {0} does not do',
  ])
  expect(await faultsOf(text, { env, kinds: storyWith(throws) })).toEqual([
    '1:31  "with" does not have a value that is possible here',
  ])
})

test('colours and line ends in keys do not reach the terminal', async () => {
  const [fault] = await faultsOf(`${site('port: 1')}"a\\e[31m\\nb": 1\n`)
  expect(fault).toMatch(/^4:1 {2}unknown key "a b"/)
})
