import { defineStory, z } from 'healthz'
import { describe, expect, test } from 'vitest'
import { faultsOf, given } from './fixtures.ts'

const stories = 'stories: [{ story: cache, with: { url: redis://h } }]'

/** The cluster begins on line 2; its first key is `name`, on line 3. */
const cluster = (...lines: readonly string[]) =>
  `${stories}\ncluster:\n${lines.map((line) => `  ${line}\n`).join('')}`
const withRedis = (...lines: readonly string[]) => cluster('name: a', 'redis: redis://h', ...lines)

test('all faults of a cluster are told at once, those between its settings beside those in other keys', async () => {
  expect(
    await faultsOf(`language: fr
node: "a|b"
${stories}
roles: [a/b, 3]
cluster:
  name: "{x}"
  redis: http://h
  profile: lann
  timing: { beat: 10ms, lease: 4 }
  secert: abc
  peers: [a]
  advertise: "h:0"
  minReplicas: -1
  shards: 0
  forgetAfter: 1s
`),
  ).toEqual([
    '1:11  "language" must be one of: "en", "zh-CN"',
    '2:7  in a cluster the name of a node cannot hold "|", "@" or blanks',
    '4:9  "roles[0]": a name cannot hold "/", "," or line ends, nor begin or end with a blank',
    '4:14  "roles[1]" must be a text, not a number; write it in quotes',
    '6:9  "name": only letters, digits, ".", "_" and "-" can stand in it',
    '7:10  "redis": not a URL such as redis://host:6379/0, redis+sentinel://host-1:26379,host-2:26379/mymaster or redis+cluster://host-1:7000,host-2:7001; with TLS: rediss',
    '8:12  "profile" must be one of: "lan", "wide"; did you mean "lan"?',
    '9:19  "beat": too short; the least is 50ms',
    '9:32  "lease" must be a duration such as 30s or 10m, not a number; add a unit: ms, s, m, h or d',
    '10:3  unknown key "secert"; did you mean "secret"?',
    '11:3  "peers" is for nodes that talk to each other, which needs a "secret"; give the cluster a "secret", the same on all nodes, or leave this out',
    '11:11  "peers[0]": not host:port, such as 127.0.0.1:9180',
    '12:3  "advertise" is for nodes that talk to each other, which needs a "secret"; give the cluster a "secret", the same on all nodes, or leave this out',
    '12:14  "advertise": not host:port, such as 127.0.0.1:9180',
    '13:16  "minReplicas" must be at least 0',
    '14:11  "shards" must be at least 1',
    '15:16  "forgetAfter": too short; the least is 1m',
  ])
})

describe('times that do not go together are told at the one that breaks the rule', () => {
  test.each([
    [
      'alone',
      ['timing: { lease: 4s }'],
      '5:20  "lease" is 4s: too short for "valid" 3s and "clockStep" 750ms; two nodes could lead at once; make "lease" at least 4816ms, or make "valid" at most 2261ms',
    ],
    [
      'the longer one',
      ['timing:', '  settle: 500ms', '  valid: 4s'],
      '7:12  "lease" is 5s: too short for "valid" 4s and "clockStep" 750ms; two nodes could lead at once; make "lease" at least 5922ms, or make "valid" at most 3166ms',
    ],
    [
      'of several the one without which all is well',
      ['timing:', '  lease: 5100ms', '  clockStep: 2s'],
      '7:16  "lease" is 5100ms: too short for "valid" 3s and "clockStep" 2s; two nodes could lead at once; make "lease" at least 7316ms, or make "clockStep" at most 892ms',
    ],
    [
      'against another profile',
      ['profile: wide', 'timing: { clockStep: 1s }'],
      '6:24  "clockStep" is 1s: too short for "beat" 2s; the clock of the leases would fall behind; make "clockStep" at least 3s, or make "beat" at most 666ms',
    ],
    [
      'a new node that comes too late',
      ['timing: { batch: 1m }'],
      '5:20  "batch" is 60s, longer than "lease" 5s; a new node would come too late; make "batch" at most 5s, or make "lease" at least 60s',
    ],
  ])('%s', async (_what, lines, fault) => {
    expect(await faultsOf(withRedis(...lines))).toEqual([fault])
  })

  test('and each rule for itself', async () => {
    expect(
      (await faultsOf(withRedis('timing: { beat: 1s, settle: 1m }'))).map((fault) => fault.split(' is ')[0]),
    ).toEqual(['5:19  "valid"', '5:19  "clockStep"', '5:31  "settle"'])
  })
})

test.each([
  ['nothing', ['name: a'], '3:3  "redis" is missing'],
  ['a number', ['name: a', 'redis: 6379'], '4:10  "redis" must be one of: a URL, a mapping, not a number'],
  ['a mapping without a URL', ['name: a', 'redis: { user: u }'], '4:10  "url" is missing'],
  [
    'no host',
    ['name: a', 'redis: "redis://"'],
    '4:10  "redis": the servers must be host:port, several with "," between them; "@" and "/" in a password are written %40 and %2F',
  ],
  [
    'a port out of range',
    ['name: a', 'redis: { url: "redis+cluster://h:7000,h:99999" }'],
    '4:17  "url": the servers must be host:port, several with "," between them; "@" and "/" in a password are written %40 and %2F',
  ],
  [
    'two servers',
    ['name: a', 'redis: "redis://h1,h2"'],
    '4:10  "redis": several servers need redis+sentinel:// or redis+cluster://',
  ],
  [
    'sentinels without a master',
    ['name: a', 'redis: "redis+sentinel://h1,h2"'],
    '4:10  "redis": does not say which master the sentinels are asked for; end it with /mymaster',
  ],
  [
    'a database that is none',
    ['name: a', 'redis: "redis://h/x"'],
    '4:10  "redis": the path must be the number of a database, such as /0',
  ],
  [
    'a database of a Redis Cluster',
    ['name: a', 'redis: "redis+cluster://h/1"'],
    '4:10  "redis": a Redis Cluster has the database 0 only; leave the path out',
  ],
  [
    'settings in the URL',
    ['name: a', 'redis: "redis://h?tls=1"'],
    '4:10  "redis": nothing can follow "?" or "#": other settings stand beside "url"; in a password they are written %3F and %23',
  ],
  [
    'a percent sign that means itself',
    ['name: a', 'redis: "redis://u:100%@h"'],
    '4:10  "redis": the user or the password holds a "%" that means itself; in a URL write it as %25',
  ],
  [
    'a login to sentinels that there are none of',
    ['name: a', 'redis: { url: redis://h, sentinelUser: u }'],
    '4:28  "sentinelUser" is for sentinels, and the URL is not redis+sentinel://',
  ],
  [
    'TLS without TLS',
    ['name: a', 'redis: { url: redis://h, insecure: true }'],
    '4:28  "insecure" is for TLS, and the URL does not begin with rediss',
  ],
  [
    'an authority without TLS',
    ['name: a', 'redis: { url: redis://h, ca: x }'],
    '4:28  "ca" is for TLS, and the URL does not begin with rediss',
  ],
])('a Redis that is %s is told with its place', async (_what, lines, fault) => {
  expect(await faultsOf(cluster(...lines))).toEqual([fault])
})

test('no fault of a URL quotes it', async () => {
  const urls = ['redis://u:s3same@', 'x://u:s3same@h', 'redis://u:s3same@h1,h2', 'redis://u:s3same@h/x']
  for (const url of urls) {
    const faults = await faultsOf(cluster('name: a', `redis: "${url}"`))
    expect(faults).toHaveLength(1)
    expect(faults.join()).not.toContain('s3same')
  }
})

describe('nodes talk to each other over HTTP', () => {
  const secret = 'secret: abcdef'

  test('with a secret and without a server, that is told', async () => {
    expect(await faultsOf(`${withRedis(secret)}http: off\n`)).toEqual([
      '5:3  nodes talk to each other over HTTP, and "http" is off; let "http" listen, or leave "secret" out: then nodes do not know of each other when Redis is lost',
    ])
  })

  test('a server that only this host can reach is told', async () => {
    const fault = (listen: string, wide: string) =>
      `5:3  other nodes cannot reach this one: its HTTP server listens on ${listen} only; write http: { listen: ${wide} }, or "advertise" where others reach it`
    expect(await faultsOf(withRedis(secret))).toEqual([fault('127.0.0.1:9180', '0.0.0.0:9180')])
    for (const host of ['127.1.2.3', 'localhost', '[::1]']) {
      expect(await faultsOf(`${withRedis(secret)}http: { listen: "${host}:80" }\n`)).toEqual([
        fault(`${host}:80`, '0.0.0.0:80'),
      ])
    }
  })

  test.each([
    ['where others reach it', [secret, 'advertise: "127.0.0.1:9180"'], ''],
    ['on all addresses', [secret], 'http: { listen: "0.0.0.0:9180" }\n'],
    ['on one address of the network', [secret], 'http: { listen: "10.0.0.1:9180" }\n'],
    ['not at all, without a secret', [], 'http: off\n'],
    ['not at all, and knows no peers', ['peers: []'], ''],
  ])('one that answers %s is sound', async (_what, lines, http) => {
    expect(await faultsOf(`${withRedis(...lines)}${http}`)).toEqual([])
  })
})

describe('an entry says only what means something in its scope', () => {
  const everywhere = defineStory({
    title: 'Everywhere',
    scope: 'node',
    options: z.strictObject({}),
    steps: {},
  })
  const onNode = { kinds: given<never>({ everywhere }) }
  const lines = (...settings: readonly string[]) => `stories:\n  - ${settings.join('\n    ')}\n`

  test.each([
    [
      'a role where one node tells it',
      lines('story: cache', 'with: { url: redis://h }', 'role: edge'),
      {},
      '4:5  "role" is for entries that every node tells of itself; write scope: node, or leave it out',
    ],
    [
      'a spread where every node tells it',
      lines('story: cache', 'with: { url: redis://h }', 'scope: node', 'spread: ring'),
      {},
      '5:5  "spread" is for entries that one node tells for all; write scope: cluster, or leave it out',
    ],
    [
      "a spread against the story's own scope",
      lines('story: everywhere', 'spread: leader'),
      onNode,
      '3:5  "spread" is for entries that one node tells for all; write scope: cluster, or leave it out',
    ],
    [
      'a scope that is none',
      lines('story: cache', 'with: { url: redis://h }', 'scope: nodes'),
      {},
      '4:12  "scope" must be one of: "cluster", "node"; did you mean "node"?',
    ],
    [
      'a spread that is none',
      lines('story: cache', 'with: { url: redis://h }', 'spread: leaders'),
      {},
      '4:13  "spread" must be one of: "ring", "leader"; did you mean "leader"?',
    ],
  ])('%s is told', async (_what, text, request, fault) => {
    expect(await faultsOf(text, request)).toEqual([fault])
  })

  test.each([
    ["a role where the story's own scope is the node", lines('story: everywhere', 'role: edge'), onNode],
    [
      'a spread where the entry takes the story out of its scope',
      lines('story: everywhere', 'scope: cluster', 'spread: leader'),
      onNode,
    ],
    ['a role that this node does not have', `roles: [b]\n${lines('story: everywhere', 'role: a')}`, onNode],
  ])('%s is sound', async (_what, text, request) => {
    expect(await faultsOf(text, request)).toEqual([])
  })
})
