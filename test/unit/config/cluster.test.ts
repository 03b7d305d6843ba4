import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { showPlan } from '../../../src/config/describe.ts'
import type { ClusterPlan } from '../../../src/core/cluster.ts'
import { profiles } from '../../../src/core/cluster-timing.ts'
import { createRedactor, Secret } from '../../../src/core/secret.ts'
import { load } from './fixtures.ts'

const stories = 'stories: [{ story: cache, with: { url: redis://h } }]\n'

function yaml(...lines: readonly string[]): string {
  return `${stories}cluster:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

async function clusterOf(...lines: readonly string[]): Promise<ClusterPlan> {
  const { cluster } = await load(yaml(...lines))
  if (cluster === null) throw new Error('no cluster')
  return cluster
}

test('without the key a node is alone, and has no roles', async () => {
  expect(await load(stories)).toMatchObject({ cluster: null, roles: [] })
})

test('a name and a Redis are enough; the rest has defaults', async () => {
  expect(await clusterOf('name: shop', 'redis: redis://h')).toEqual({
    name: 'shop',
    redis: {
      kind: 'standalone',
      servers: [{ host: 'h', port: 6379 }],
      master: '',
      database: 0,
      user: undefined,
      password: undefined,
      sentinelUser: undefined,
      sentinelPassword: undefined,
      tls: null,
    },
    secret: null,
    timing: profiles.lan,
    shards: 256,
    minReplicas: 0,
    forgetAfter: 86_400_000,
    peers: [],
    advertise: null,
  })
})

test('all that can be said is understood', async () => {
  const plan = await load(
    `node: n1
roles: [edge, "\${ROLE:-}", edge, db]
http: { listen: "0.0.0.0:9180" }
${stories}
cluster:
  name: shop-1.eu_2
  redis:
    url: rediss+sentinel://in-url:pw-in-url@s1,[::1]:26380/my%20master/3
    user: u
    password: "\${PW}"
    sentinelUser: su
    sentinelPassword: of-sentinels
    ca: "-----BEGIN CERTIFICATE-----"
    insecure: true
  profile: wide
  timing: { lease: 30s, settle: 0s }
  secret: "\${SHARED}"
  peers: ["a:9180", "[::2]:81"]
  advertise: n1.internal:9180
  minReplicas: "\${REPLICAS}"
  shards: 1024
  forgetAfter: 2d
`,
    { env: { PW: 'of-redis', SHARED: 'of-nodes', REPLICAS: '2' } },
  )
  expect(plan.roles).toEqual(['edge', 'db'])
  expect(plan.cluster).toEqual({
    name: 'shop-1.eu_2',
    redis: {
      kind: 'sentinel',
      servers: [
        { host: 's1', port: 26_379 },
        { host: '::1', port: 26_380 },
      ],
      master: 'my master',
      database: 3,
      user: 'u',
      password: expect.any(Secret),
      sentinelUser: 'su',
      sentinelPassword: expect.any(Secret),
      tls: { ca: '-----BEGIN CERTIFICATE-----', insecure: true },
    },
    secret: expect.any(Secret),
    timing: { ...profiles.wide, lease: 30_000, settle: 0 },
    shards: 1024,
    minReplicas: 2,
    forgetAfter: 172_800_000,
    peers: ['a:9180', '[::2]:81'],
    advertise: 'n1.internal:9180',
  })
  expect(plan.cluster?.redis.password?.reveal()).toBe('of-redis')
  expect(plan.cluster?.secret?.reveal()).toBe('of-nodes')
  expect([...plan.secrets].sort()).toEqual(['of-nodes', 'of-redis', 'of-sentinels', 'pw-in-url'])
})

test.each([
  ['redis://h', { kind: 'standalone', servers: [{ host: 'h', port: 6379 }], database: 0, tls: null }],
  ['REDIS://h/', { kind: 'standalone', servers: [{ host: 'h', port: 6379 }], database: 0 }],
  [
    'rediss://h:1/15',
    {
      kind: 'standalone',
      servers: [{ host: 'h', port: 1 }],
      database: 15,
      tls: { ca: undefined, insecure: false },
    },
  ],
  ['redis://[::1]:7/2', { servers: [{ host: '::1', port: 7 }], database: 2 }],
  [
    'redis+sentinel://h1:26379,h2/mymaster/4',
    {
      kind: 'sentinel',
      servers: [
        { host: 'h1', port: 26_379 },
        { host: 'h2', port: 26_379 },
      ],
      master: 'mymaster',
      database: 4,
      tls: null,
    },
  ],
  ['rediss+sentinel://h1/m', { kind: 'sentinel', master: 'm', database: 0, tls: { insecure: false } }],
  [
    'redis+cluster://h1:7000,h2:7001',
    {
      kind: 'cluster',
      servers: [
        { host: 'h1', port: 7000 },
        { host: 'h2', port: 7001 },
      ],
      master: '',
      tls: null,
    },
  ],
  ['rediss+cluster://h1', { kind: 'cluster', servers: [{ host: 'h1', port: 6379 }], tls: {} }],
])('%s is understood, and shown so that it means the same', async (url, part) => {
  const text = yaml('name: a', `redis: "${url}"`)
  const plan = await load(text)
  expect(plan.cluster?.redis).toMatchObject(part)
  expect(await load(showPlan(plan))).toEqual(plan)
})

test.each([
  ['redis://:p%40ss%3A1@h', undefined, 'p@ss:1'],
  ['redis://u:p@ss@h', 'u', 'p@ss'],
  ['redis://u@h', 'u', undefined],
  ['redis+sentinel://u:p:q@h1,h2/m', 'u', 'p:q'],
])('the credentials of %s are taken out of it', async (url, user, password) => {
  const plan = await load(yaml('name: a', `redis: "${url}"`))
  expect(plan.cluster?.redis.user).toBe(user)
  expect(plan.cluster?.redis.password?.reveal()).toBe(password)
  expect(plan.secrets).toEqual(password === undefined ? [] : [password])
})

test('entries say who tells them; a story may know better than the default', async () => {
  const plan = await load(`stories:
  - { story: cache, name: a, with: { url: redis://h } }
  - { story: cache, name: b, with: { url: redis://h }, spread: leader }
  - { story: cache, name: c, with: { url: redis://h }, scope: node, role: edge }
`)
  expect(plan.entries.map(({ scope, spread, role }) => [scope, spread, role])).toEqual([
    ['cluster', 'ring', null],
    ['cluster', 'leader', null],
    ['node', 'ring', 'edge'],
  ])
})

test('roles that come out of empty variables are none', async () => {
  const text = `${stories}roles: ["\${A:-}", "\${B}"]\n`
  expect((await load(text, { env: { B: 'x' } })).roles).toEqual(['x'])
})

const full = `node: n1
roles: [edge]
stories:
  - { story: cache, name: a, with: { url: redis://h }, scope: node, role: edge }
  - { story: cache, name: b, with: { url: redis://h }, spread: leader }
http: { listen: "0.0.0.0:9180" }
store: { file: a.db }
cluster:
  name: shop
  redis: { url: "redis+sentinel://u:s3same@h1,h2/m/1", sentinelPassword: s3cond }
  secret: th1rd
  timing: { lease: 6s }
  peers: ["a:1"]
  advertise: "b:2"
`

test('what is shown is a configuration that means the same, with every time and without secrets', async () => {
  const plan = await load(full)
  const shown = showPlan(plan)
  expect(await load(shown)).toEqual({ ...plan, hash: expect.any(String), secrets: ['***'] })
  for (const secret of ['s3same', 's3cond', 'th1rd']) expect(shown).not.toContain(secret)
  expect(parse(shown)).toMatchObject({
    roles: ['edge'],
    stories: [
      { name: 'a', scope: 'node', role: 'edge' },
      { name: 'b', scope: 'cluster', spread: 'leader' },
    ],
    cluster: {
      name: 'shop',
      redis: {
        url: 'redis+sentinel://h1:26379,h2:26379/m/1',
        user: 'u',
        password: '***',
        sentinelPassword: '***',
      },
      secret: '***',
      timing: { beat: '500ms', valid: '3s', lease: '6s', clockStep: '750ms', settle: '1s', batch: '1s' },
      shards: 256,
      forgetAfter: '1d',
      peers: ['a:1'],
      advertise: 'b:2',
    },
  })
})

test('no secret of a cluster passes the redactor that is made of the plan', async () => {
  const { secrets } = await load(full)
  const redact = createRedactor(secrets)
  expect(redact('s3same s3cond th1rd')).toBe('*** *** ***')
})

test.each([
  ['its name', 'node: n1', 'node: n2'],
  ['its roles', 'roles: [edge]', 'roles: []'],
  ['where it answers peers', 'advertise: "b:2"', 'advertise: "c:2"'],
  ['which peers it is told of', 'peers: ["a:1"]', 'peers: ["x:1", "y:1"]'],
  ['the address and the port that it listens on', '0.0.0.0:9180', '10.1.2.3:9181'],
  ['its file', 'file: a.db', 'file: b.db'],
  ['the sentinels that it is told of, and its login', 'u:s3same@h1,h2/m/1', 'v:other@h2,h3/m/1'],
])('nodes of a cluster that differ in %s have one hash', async (_what, before, after) => {
  expect(full).toContain(before)
  expect((await load(full.replace(before, after))).hash).toBe((await load(full)).hash)
})

test.each([
  ['the name', 'name: shop', 'name: shop2'],
  ['a time', 'lease: 6s', 'lease: 7s'],
  ['the secret', 'secret: th1rd', 'secret: f0urth'],
  ['the shards', 'name: shop', 'name: shop\n  shards: 64'],
  ['how long a node is remembered', 'name: shop', 'name: shop\n  forgetAfter: 1h'],
  ['the replicas that are waited for', 'name: shop', 'name: shop\n  minReplicas: 1'],
  ['the database', '/m/1', '/m/2'],
  ['the scope of an entry', 'scope: node, role: edge', 'scope: cluster'],
  ['the role of an entry', 'role: edge }', 'role: db }'],
  ['the spread of an entry', 'spread: leader', 'spread: ring'],
])('another value of %s is another hash', async (_what, before, after) => {
  expect(full).toContain(before)
  expect((await load(full.replace(before, after))).hash).not.toBe((await load(full)).hash)
})
