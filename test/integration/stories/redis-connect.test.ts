import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { loginOfGuide } from '../../support/redis-rights.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

describeWith(['redis'], 'redis: reaching it', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis({ args: ['--busy-reply-threshold', '50'] })
  })
  afterAll(() => redis[Symbol.asyncDispose]())

  test('a healthy server has no problem, and every step has an answer', async () => {
    const told = await teller(redisStory, { url: redis.url }).tell()
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      memory: 'ok',
      evictions: 'ok',
      'writes-refused': 'ok',
      persistence: 'ok',
      replication: 'ok',
      roles: 'ok',
      clients: 'ok',
      'config-risk': 'ok',
      fragmentation: 'ok',
    })
  })

  test('a user with the documented rights and no more gets every answer', async () => {
    for (const command of rightsOf(redisStory.guide, marker, 'on each server'))
      await redis.cli(...wordsOf(command))
    const login = { url: redis.url, user: 'healthz', password: marker, durable: true }
    const told = await teller(redisStory, login, { persistence: { rdbMaxAge: '0s' } }).tell()
    expect(Object.values(told.outcomes())).not.toContain('unknown')
    expect(told.outcomes()['config-risk']).toBe('problem')
  })

  test('with the rights documented for them, and not without, the cures may act', async () => {
    const cures = ['bgsave', 'memory purge', 'client kill id 1', 'script kill', 'function kill']
    const may = async () =>
      Promise.all(
        [...cures, 'replicaof no one'].map((cure) =>
          redis.cli('acl', 'dryrun', 'healthz', ...cure.split(' ')),
        ),
      )
    expect((await may()).every((answer) => String(answer).includes('no permissions'))).toBe(true)
    for (const command of rightsOf(redisStory.guide, marker, 'for the cures'))
      await redis.cli(...wordsOf(command))
    expect(new Set(await may())).toEqual(new Set(['OK']))
  })

  test('a user without a right is told which one, and nothing is taken for well', async () => {
    await redis.cli('acl', 'setuser', 'poor', 'on', `>${marker}`, 'resetkeys', '-@all', '+ping', '+llen')
    const told = await teller(redisStory, { url: redis.url, user: 'poor', password: marker }).tell()
    expect(new Set(Object.values(told.outcomes()))).toEqual(new Set(['unknown']))
    expect(told.reason('memory')).toContain('the user poor lacks the right +info')
  })

  test('a user who may not PING is told so', async () => {
    await redis.cli('acl', 'setuser', 'quiet', 'on', `>${marker}`, 'resetkeys', '-@all', '+info')
    const told = await teller(redisStory, { url: redis.url, user: 'quiet', password: marker }).tell()
    expect(told.reason('connect')).toContain('lacks the right +ping')
    expect(told.step('memory').outcome).toBe('ok')
  })

  test('a slow answer is a problem, with the newest entry of the slow log and none of its arguments', async () => {
    await using proxy = await startTcpFaultProxy(redis.port)
    await redis.cli('config', 'set', 'slowlog-log-slower-than', 0)
    await redis.cli('set', marker, marker)
    await redis.cli('config', 'set', 'slowlog-log-slower-than', -1)
    await proxy.become('delay', { delay: 40 })
    const slow = teller(
      redisStory,
      { url: `redis://127.0.0.1:${proxy.port}` },
      { connect: { ping: '50ms', grace: '0s' } },
    )
    const told = await slow.tell('connect')
    expect(told.summaries('connect')[0]).toMatch(/^a PING takes \d+ ms \(limit 50 ms\)$/)
    expect(told.step('connect').findings[0]).toMatchObject({ key: 'slow', severity: 'warning' })
    expect(told.step('connect').findings[0]?.evidence).toHaveProperty('slowLogCommand')
    expect(JSON.stringify(told.steps)).not.toContain(marker)
  })

  test('a server that has just started may be slow', async () => {
    await using proxy = await startTcpFaultProxy(redis.port)
    await proxy.become('delay', { delay: 40 })
    const slow = teller(
      redisStory,
      { url: `redis://127.0.0.1:${proxy.port}` },
      { connect: { ping: '50ms', grace: '1h' } },
    )
    expect((await slow.tell('connect')).step('connect').outcome).toBe('ok')
  })

  test('a script that blocks it is one problem, and is ended where a person consents', async () => {
    const blocked = teller(redisStory, { url: redis.url, ...(await loginOfGuide(redis)) })
    const script = redis.cli('eval', 'while true do end', 0).catch((error: Error) => error.message)
    const told = await until('the script blocks it', async () => {
      const answer = await blocked.tell()
      return answer.step('connect').outcome === 'problem' && answer
    })
    expect(problems(told)).toEqual(['connect'])
    expect(told.summaries('connect')[0]).toContain(
      'is blocked by a long command: a script or function does not end',
    )
    expect(told.cures.get('connect')?.consent).toBe('ask')
    await told.cure('connect')
    expect(await script).toContain('killed by user')
    expect(problems(await blocked.tell())).toEqual([])
  })

  test('a function that blocks it is ended too', async () => {
    const code = "#!lua name=hang\nredis.register_function('hang', function() while true do end end)"
    await redis.cli('function', 'load', 'REPLACE', code)
    const blocked = teller(redisStory, { url: redis.url, ...(await loginOfGuide(redis)) })
    const call = redis.cli('fcall', 'hang', 0).catch((error: Error) => error.message)
    const told = await until('the function blocks it', async () => {
      const answer = await blocked.tell('connect')
      return answer.step('connect').outcome === 'problem' && answer
    })
    await told.cure('connect')
    expect(await call).toContain('killed by user')
  })

  test('a script that has written is left alone, and the cure says why', async () => {
    await using victim = await startRedis({ args: ['--busy-reply-threshold', '50'] })
    victim.cli('eval', "redis.call('set','a',1) while true do end", 0).catch(() => {})
    const blocked = teller(redisStory, { url: victim.url })
    const told = await until('the script blocks it', async () => {
      const answer = await blocked.tell('connect')
      return answer.step('connect').outcome === 'problem' && answer
    })
    await expect(told.cure('connect')).rejects.toMatchObject({
      name: 'DidNotHelp',
      reason: { template: expect.stringContaining('has already written') },
    })
  })
})

describeWith(['redis'], 'redis: not reaching it', () => {
  test('a hung server is one problem, told within 5 s', async () => {
    await using redis = await startRedis()
    const watch = teller(redisStory, { url: redis.url })
    redis.freeze()
    const start = performance.now()
    const told = await watch.tell()
    expect(performance.now() - start).toBeLessThan(5000)
    expect(problems(told)).toEqual(['connect'])
    expect(told.step('connect').findings[0]?.evidence['kind']).toBe('timeout-reply')
    redis.thaw()
    expect(problems(await watch.tell())).toEqual([])
  })

  test('a dead server is one problem at once', async () => {
    await using redis = await startRedis()
    await redis.kill()
    const start = performance.now()
    const told = await teller(redisStory, { url: redis.url }).tell()
    expect(performance.now() - start).toBeLessThan(2500)
    expect(problems(told)).toEqual(['connect'])
    expect(told.step('connect').findings[0]?.evidence['kind']).toBe('refused')
  })

  test('another node that is dead or hung is a problem of its own, and the rest is told', async () => {
    await using redis = await startRedis()
    await using hung = await startRedis({ replicaOf: redis })
    const dead = await freePort()
    const watch = teller(redisStory, { url: redis.url, replicas: [`redis://127.0.0.1:${dead}`, hung.url] })
    hung.freeze()
    const told = await watch.tell()
    expect(problems(told)).toEqual([`connect/127.0.0.1:${dead}`, `connect/127.0.0.1:${hung.port}`])
    expect(told.step('memory').outcome).toBe('ok')
    hung.thaw()
    expect(problems(await watch.tell())).toEqual([`connect/127.0.0.1:${dead}`])
  })

  test('a replica that refuses to serve without its master is told by its replication', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master, args: ['--replica-serve-stale-data', 'no'] })
    await master.kill()
    const watch = teller(redisStory, { url: replica.url }, { replication: { linkDown: '0s', grace: '0s' } })
    await until('the link has been down for a second', async () => {
      return problems(await watch.tell()).includes(`replication/link/127.0.0.1:${replica.port}`)
    })
    expect(problems(await watch.tell('connect'))).toEqual([])
  })

  test('no output holds the password', async () => {
    await using redis = await startRedis({ password: `${marker}-right` })
    const inUrl = { url: `redis://:${marker}@127.0.0.1:${redis.port}` }
    const beside = { url: `redis://127.0.0.1:${redis.port}`, user: 'default', password: marker }
    const right = { url: redis.url, replicas: [`redis://someone:${marker}@localhost:${redis.port}`] }
    for (const options of [inUrl, beside, right]) {
      const parsed = redisStory.options.parse(options)
      const told = await teller(redisStory, options).tell()
      expect(problems(told)[0]).toMatch(/^connect/)
      const shown =
        JSON.stringify([parsed, told.steps]) + inspect([parsed, told], { depth: 12, showHidden: true })
      expect(shown).not.toContain(marker)
      const error = await Promise.resolve(
        redisStory.open?.({ options: parsed, signal: AbortSignal.timeout(5000) }),
      )
        .then((target) => target?.[Symbol.dispose]())
        .catch((caught: unknown) => caught)
      expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(marker)
    }
    expect(redisStory.options.safeParse({ url: `http://u:${marker}@h` }).error?.message).not.toContain(marker)
  })
})

function problems(told: Told): string[] {
  return Object.values(told.steps).flatMap(({ step, findings }) =>
    findings.map(({ key }) => (key === '' ? step : `${step}/${key}`)),
  )
}
