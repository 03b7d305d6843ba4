import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { preflight } from '../../../src/cluster/preflight/preflight.ts'
import { connectLink } from '../../../src/cluster/redis/link.ts'
import type { CoordinatorPlan } from '../../../src/core/cluster.ts'
import { render, type Text } from '../../../src/core/text.ts'
import { coordinatorPlan, failUnhandled, script, serves } from '../../support/cluster/coordinator.ts'
import { describeWith } from '../../support/needs.ts'
import { makeCertificates } from '../../support/servers/certificates.ts'
import { startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { startListening } from '../../support/servers/listening.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { startRedisCluster } from '../../support/servers/redis-cluster.ts'
import { startSentinel } from '../../support/servers/redis-sentinel.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'

const password = 'hunter2SECRET'
const joins = '; this node joins the cluster as soon as it can'

failUnhandled()

describeWith(['redis'], 'a look at the coordinating Redis before the start', () => {
  test('finds nothing where all is well, and leaves nothing behind', async () => {
    await using redis = await startRedis()
    expect(await look(coordinatorPlan([redis.port]))).toEqual({ faults: [], warnings: [] })
    expect(await redis.cli('dbsize')).toBe(0)
    expect(String(await redis.cli('client', 'list'))).not.toContain('healthz:')
  })

  test('tells a wrong password, an unknown user, and a missing password', async () => {
    await using redis = await startRedis({ password: 'right' })
    const at = `127.0.0.1:${redis.port}`
    expect(await look(coordinatorPlan([redis.port], { password }))).toEqual({
      faults: [`${at} refuses the user default with this password | ${wrongLogin}`],
      warnings: [],
    })
    expect(await look(coordinatorPlan([redis.port], { user: 'nobody', password }))).toEqual({
      faults: [`${at} refuses the user nobody with this password | ${wrongLogin}`],
      warnings: [],
    })
    expect(await look(coordinatorPlan([redis.port]))).toEqual({
      faults: [
        `${at} wants a password and none is configured | give a password, and a user where the server has several`,
      ],
      warnings: [],
    })
  })

  test('tells a password that the server does not ask for', async () => {
    await using redis = await startRedis()
    expect(await look(coordinatorPlan([redis.port], { password }))).toEqual({
      faults: [],
      warnings: [
        `127.0.0.1:${redis.port} asks for no password, though one is configured | ` +
          'give the server a password: whoever reaches it can take the cluster over',
      ],
    })
  })

  test.each([
    ['+@all', '-info', '+info'],
    ['+@all', '-evalsha', '+evalsha'],
    ['+@all', '-rpush', '+rpush'],
    ['+@all', '-@sortedset', '+zadd, +zrange, +zrangebyscore, +zrem, +zrevrange, +zscore'],
    ['+@all', '-publish', '+publish'],
    ['+@all', 'resetchannels', '&{hz:main}:*'],
    ['+@all', 'resetkeys', '~{hz:main}:*'],
  ])('names the right that is missing: %s %s', async (all, rule, missing) => {
    await using redis = await startRedis()
    await redis.cli('acl', 'setuser', 'few', 'on', `>${password}`, '~*', '&*', all, rule)
    const plan = coordinatorPlan([redis.port], { user: 'few', password })
    const [fault = '', ...more] = (await look(plan)).faults
    expect(more).toEqual([])
    expect(fault.split(' | ')[0]).toBe(`the user few lacks rights on 127.0.0.1:${redis.port}: ${missing}`)
    await followAdvice(redis, fault)
    expect(await look(plan)).toEqual({ faults: [], warnings: [] })
  })

  test('a user that may nothing is told a line that is enough for all', async () => {
    await using redis = await startRedis()
    await redis.cli('acl', 'setuser', 'few', 'on', `>${password}`)
    const plan = coordinatorPlan([redis.port], { user: 'few', password, database: 2 })
    const [fault = ''] = (await look(plan)).faults
    expect(fault).toMatch(
      /lacks rights on 127.0.0.1:\d+: \+eval, .*\+select, .* \| run this on each Redis server/,
    )
    await followAdvice(redis, fault)
    expect(await look(plan)).toEqual({ faults: [], warnings: [] })
    await using link = connectLink(plan, {
      name: 'store',
      commandTimeout: 2000,
      connectTimeout: 1000,
      slotKey: '{hz:main}:',
    })
    const heard: string[] = []
    await using _hints = link.subscribe('{hz:main}:wake', (message) => heard.push(message))
    await serves(link)
    const write = script("redis.call('XADD', KEYS[1], '*', 'a', 'b') return redis.call('TIME')")
    await link.run(write, ['{hz:main}:log'], [])
    await until('a hint is heard', async () => {
      await link.call('PUBLISH', '{hz:main}:wake', 'x')
      return heard.includes('x')
    })
    await expect(link.call('GET', 'another')).rejects.toMatchObject({ fault: 'noperm' })
    await expect(link.call('FLUSHALL')).rejects.toMatchObject({ fault: 'noperm' })
  })

  test('tells a database that is not there', async () => {
    await using redis = await startRedis()
    expect((await look(coordinatorPlan([redis.port], { database: 99 }))).faults).toEqual([
      `127.0.0.1:${redis.port} has no database 99 | write one that it has at the end of the URL, or raise databases ` +
        'on the server',
    ])
  })

  test('tells a replica, and who its master is', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    expect(await look(coordinatorPlan([replica.port]))).toEqual({
      faults: [
        `127.0.0.1:${replica.port} is a replica of 127.0.0.1:${master.port} and takes no writes | write redis://` +
          `127.0.0.1:${master.port}; where sentinels watch them, redis+sentinel:// follows the master`,
      ],
      warnings: [],
    })
  })

  test('tells an eviction policy that may hit the keys of the cluster, where memory is limited', async () => {
    await using redis = await startRedis()
    await redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    expect(await look(coordinatorPlan([redis.port]))).toEqual({ faults: [], warnings: [] })
    await redis.cli('config', 'set', 'maxmemory', '64mb')
    expect(await look(coordinatorPlan([redis.port]))).toEqual({
      faults: [],
      warnings: [
        `127.0.0.1:${redis.port} may throw away the keys of this cluster when its memory is full ` +
          '(maxmemory-policy allkeys-lru) | set maxmemory-policy to noeviction or a volatile one, or use a Redis of its own',
      ],
    })
    await redis.cli('config', 'set', 'maxmemory-policy', 'volatile-lru')
    expect(await look(coordinatorPlan([redis.port]))).toEqual({ faults: [], warnings: [] })
  })

  test('tells that too few replicas are there for a heartbeat to count', async () => {
    await using redis = await startRedis()
    expect(await look(coordinatorPlan([redis.port]), 2)).toEqual({
      faults: [],
      warnings: [
        `127.0.0.1:${redis.port} has 0 replicas, and a heartbeat counts only when 2 have it: nobody can lead | ` +
          'bring the replicas back, or lower minReplicas',
      ],
    })
  })

  test('a server that loads, is blocked or hangs is told as something that may pass', async () => {
    await using redis = await startRedis({ args: ['--busy-reply-threshold', '50'] })
    const at = `127.0.0.1:${redis.port}`
    const plan = coordinatorPlan([redis.port])
    const endless = redis.cli('eval', 'while true do end', 0).catch(() => {})
    await until('it is blocked', async () =>
      (await look(plan)).warnings[0]?.startsWith(`${at} is blocked by`),
    )
    expect((await look(plan)).faults).toEqual([])
    await redis.cli('script', 'kill')
    await endless
    redis.freeze()
    expect(await look(plan)).toEqual({
      faults: [],
      warnings: [
        `${at} accepts TCP but does not answer | the process hangs: look for a stopped (SIGSTOP), swapping or ` +
          `overloaded server, then restart it${joins}`,
      ],
    })
  })
})

describe('a coordinating Redis that cannot be reached', () => {
  test('nothing listens', async () => {
    const port = await freePort()
    expect(await look(coordinatorPlan([port]))).toEqual({
      faults: [],
      warnings: [
        `nothing listens on 127.0.0.1:${port} | start the server, or correct the address; its own log says why it ` +
          `stopped${joins}`,
      ],
    })
  })

  test('the name is unknown', async () => {
    const plan = coordinatorPlan([], { servers: [{ host: 'redis.invalid', port: 6379 }] })
    expect(await look(plan)).toEqual({
      faults: [],
      warnings: [expect.stringMatching(/^the name of redis\.invalid:6379 cannot be resolved \| /)],
    })
  })

  test('another service answers', async () => {
    await using web = await startHttpReceiver()
    expect(await look(coordinatorPlan([web.port]))).toEqual({
      faults: [
        `127.0.0.1:${web.port} speaks another protocol | the port belongs to another service: correct the URL`,
      ],
      warnings: [],
    })
  })

  test('an old Redis is told its age', async () => {
    // None of that age can be had: this one answers INFO as it does.
    const info = 'redis_version:5.0.14\r\nredis_mode:standalone\r\nrun_id:0\r\nrole:master\r\n'
    await using old = await startListening(() => ({
      server: createServer((socket) => {
        socket.on('data', (chunk) => {
          for (const _ of chunk.toString().matchAll(/\*\d+\r\n/g))
            socket.write(`$${info.length}\r\n${info}\r\n`)
        })
      }),
    }))
    expect((await look(coordinatorPlan([old.port]))).faults).toEqual([
      `127.0.0.1:${old.port} runs Redis 5.0.14 | the cluster needs Redis 6.0 or newer`,
    ])
  })
})

describeWith(['redis', 'openssl'], 'TLS to the coordinating Redis', () => {
  test('each way in which it can be wrong has words of its own', async () => {
    await using certificates = await makeCertificates()
    await using redis = await startRedis({ tls: certificates.valid, password })
    const ca = await readFile(certificates.caFile, 'utf8')
    const to = (port: number, tls: CoordinatorPlan['tls']) => look(coordinatorPlan([port], { tls, password }))
    const trusting = { ca, insecure: false }
    expect(await to(redis.tlsPort, trusting)).toEqual({ faults: [], warnings: [] })
    expect(await to(redis.tlsPort, null)).toEqual({
      faults: [`127.0.0.1:${redis.tlsPort} speaks TLS only | write rediss instead of redis in the URL`],
      warnings: [],
    })
    expect(await to(redis.port, trusting)).toEqual({
      faults: [
        `127.0.0.1:${redis.port} does not speak TLS | write redis instead of rediss in the URL, or the port on ` +
          'which it speaks TLS',
      ],
      warnings: [],
    })
    expect(await to(redis.tlsPort, { ca: undefined, insecure: false })).toEqual({
      faults: [expect.stringMatching(/^the certificate of 127\.0\.0\.1:\d+ is not trusted \| .*"ca"$/)],
      warnings: [],
    })
    await redis.cli('config', 'set', 'tls-ca-cert-file', certificates.caFile)
    await redis.cli('config', 'set', 'tls-auth-clients', 'yes')
    expect(await to(redis.tlsPort, trusting)).toEqual({
      faults: [
        `127.0.0.1:${redis.tlsPort} wants its clients to show a certificate | set tls-auth-clients optional on the ` +
          'server: this program has no certificate to show',
      ],
      warnings: [],
    })
  })

  test.each([
    ['wrongHost', /^the certificate of .* is for another name \| /],
    ['expired', /^the certificate of .* has expired \| /],
  ] as const)('the certificate is wrong: %s', async (kind, words) => {
    await using certificates = await makeCertificates()
    await using redis = await startRedis({ tls: certificates[kind] })
    const tls = { ca: await readFile(certificates.caFile, 'utf8'), insecure: false }
    expect(await look(coordinatorPlan([redis.tlsPort], { tls }))).toEqual({
      faults: [expect.stringMatching(words)],
      warnings: [],
    })
  })
})

describeWith(['redis'], 'a Redis Cluster before the start', () => {
  test('is told from a single server, and the other way round', async () => {
    await using cluster = await startRedisCluster()
    await using redis = await startRedis()
    const [node] = cluster.nodes
    const port = node?.port ?? 0
    expect(await look(coordinatorPlan([port], { kind: 'cluster' }))).toEqual({ faults: [], warnings: [] })
    expect(await look(coordinatorPlan([port]))).toEqual({
      faults: [
        `127.0.0.1:${port} is a node of a Redis Cluster | write redis+cluster://127.0.0.1:${port}, best with ` +
          'further nodes',
      ],
      warnings: [],
    })
    expect(await look(coordinatorPlan([redis.port], { kind: 'cluster' }))).toEqual({
      faults: [
        `127.0.0.1:${redis.port} is no node of a Redis Cluster | write redis://127.0.0.1:${redis.port}`,
      ],
      warnings: [],
    })
  })

  test('a user with the rights for a single server is told what it lacks', async () => {
    await using cluster = await startRedisCluster()
    for (const { cli } of cluster.nodes)
      await cli('acl', 'setuser', 'few', 'on', `>${password}`, '~*', '&*', '+@all', '-cluster')
    const ports = cluster.nodes.map(({ port }) => port)
    const plan = coordinatorPlan(ports, { kind: 'cluster', user: 'few', password })
    const [fault = ''] = (await look(plan)).faults
    expect(fault).toMatch(/lacks rights on 127.0.0.1:\d+: \+cluster\|info, \+cluster\|slots \| /)
    for (const node of cluster.nodes) await followAdvice(node, fault)
    expect(await look(plan)).toEqual({ faults: [], warnings: [] })
  })

  test('one that is down is told as something that may pass', async () => {
    await using redis = await startRedis({
      args: ['--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`],
    })
    expect(await look(coordinatorPlan([redis.port], { kind: 'cluster' }))).toEqual({
      faults: [],
      warnings: [
        expect.stringMatching(/^the Redis Cluster does not serve the keys of this cluster: .*CLUSTERDOWN/),
      ],
    })
  })
})

describeWith(['redis', 'redis-sentinel'], 'sentinels before the start', () => {
  test('what is wrong with them is told', async () => {
    await using group = await startSentinel({ sentinelPassword: 'sentinel-secret' })
    const [master] = group.redises
    const ports = group.sentinels.map(({ port }) => port)
    const right = { kind: 'sentinel', master: group.name, sentinelPassword: 'sentinel-secret' } as const
    expect(await look(coordinatorPlan(ports, right))).toEqual({ faults: [], warnings: [] })

    expect((await look(coordinatorPlan(ports, { ...right, master: 'other' }))).faults).toEqual(
      ports.map(
        (port) =>
          `the sentinel 127.0.0.1:${port} knows no master named other | write one of those that it watches at the ` +
          'end of the URL: mymaster',
      ),
    )
    expect(
      (await look(coordinatorPlan(ports.slice(1), { ...right, sentinelPassword: password }))).faults,
    ).toEqual(
      ports
        .slice(1)
        .map((port) => `127.0.0.1:${port} refuses the user default with this password | ${wrongLogin}`),
    )
    expect(
      (await look(coordinatorPlan([master.port], { ...right, sentinelPassword: undefined }))).faults,
    ).toEqual([
      `127.0.0.1:${master.port} is no sentinel | write the ports of the sentinels, 26379 by default; or redis:// for ` +
        'a single server',
    ])
    expect((await look(coordinatorPlan([ports[0] ?? 0], { password: 'sentinel-secret' }))).faults).toEqual([
      `127.0.0.1:${ports[0]} is a sentinel and keeps no data | write redis+sentinel:// with all sentinels, and at ` +
        'the end the name of the master',
    ])

    await group.sentinels[0]?.kill()
    await group.sentinels[1]?.kill()
    await until('the loss is told', async () => {
      const { faults, warnings } = await look(coordinatorPlan(ports, right))
      return (
        faults.length === 0 &&
        warnings.filter((warning) => warning.startsWith('nothing listens on')).length === 2 &&
        warnings.some((warning) =>
          warning.startsWith('the sentinels could not replace a master that dies now: NOQUORUM'),
        )
      )
    })
  })
})

test('a server that is too far away is told as such, within its time', async () => {
  await using silent = await startListening(() => ({ server: createServer() }))
  await using proxy = await startTcpFaultProxy(silent.port)
  await proxy.become('black-hole')
  const start = performance.now()
  expect((await look(coordinatorPlan([proxy.port]))).warnings[0]).toContain('accepts TCP but does not answer')
  expect(performance.now() - start).toBeLessThan(3000)
})

const wrongLogin =
  'the password is wrong, or there is no such user, or it is switched off: ACL LIST on the server shows its users'

/** `summary | advice` of all that is found. */
async function look(plan: CoordinatorPlan, minReplicas = 0) {
  const { faults, warnings } = await preflight({ name: 'main', redis: plan, minReplicas }, { timeout: 1000 })
  const said = ({ summary, advice }: { summary: Text; advice: Text }) =>
    `${render(summary)} | ${render(advice)}`
  const found = { faults: faults.map(said), warnings: warnings.map(said) }
  expect(JSON.stringify(found)).not.toContain(password)
  return found
}

async function followAdvice(redis: Redis, fault: string): Promise<void> {
  const [, ...rules] = /ACL SETUSER .*$/.exec(fault)?.[0].split(' ') ?? []
  await redis.cli('acl', ...rules)
}
