import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { render } from '../../../src/core/text.ts'
import redisStory from '../../../stories/redis/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

describeWith(['redis'], 'redis: single keys', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
    for (const part of ['on each server', 'for "keys"'])
      for (const command of rightsOf(redisStory.guide, marker, part)) await redis.cli(...wordsOf(command))
    await redis.cli('acl', 'setuser', 'healthz', '~jobs*', '~cache:*')
  })
  beforeEach(() => redis.cli('flushall'))
  afterAll(() => redis[Symbol.asyncDispose]())

  const watching = (more: object) =>
    teller(redisStory, { url: redis.url, user: 'healthz', password: marker, ...more })

  async function fill(key: string, length: number): Promise<void> {
    await redis.cli('del', key)
    if (length > 0) await redis.cli('rpush', key, ...Array.from({ length }, (_, n) => n))
  }

  test('every key that is too long is told, not only the first, whatever its type', async () => {
    await fill('jobs:list', 12)
    for (let n = 0; n < 11; n++) {
      await redis.cli('sadd', 'jobs:set', n)
      await redis.cli('zadd', 'jobs:zset', n, n)
      await redis.cli('hset', 'jobs:hash', n, n)
      await redis.cli('xadd', 'jobs:stream', '*', 'n', n)
    }
    await fill('jobs:short', 10)
    const types = ['list', 'set', 'zset', 'hash', 'stream', 'short', 'missing']
    const keys = types.map((type) => ({ key: `jobs:${type}`, max: 10, critical: 11 }))
    const told = await watching({ keys }).tell('key-length')
    expect(told.summaries('key-length')).toEqual([
      'jobs:list has 12 elements (limit 11), seen so for the first time',
      ...['set', 'zset', 'hash', 'stream'].map(
        (type) => `jobs:${type} has 11 elements (limit 10), seen so for the first time`,
      ),
    ])
    expect(told.step('key-length').findings.map(({ severity }) => severity)).toEqual([
      'critical',
      ...Array(4).fill('warning'),
    ])
    expect(told.step('key-length').notes.map((note) => render(note))).toContain('jobs:missing has 0 elements')
  })

  test('a key may be as long as so many times another one, and never less than a few', async () => {
    await fill('jobs', 100)
    await fill('failed', 11)
    const failed = { key: 'failed', max: { times: 0.1, of: 'jobs', least: 5 } }
    const watch = watching({ keys: [failed] })
    const told = await watch.tell('key-length')
    expect(told.summaries('key-length')).toEqual([
      'failed has 11 elements (limit 10, 0.1 times that of jobs), seen so for the first time',
    ])
    await fill('jobs', 200)
    expect((await watch.tell('key-length')).step('key-length').outcome).toBe('ok')
    await fill('jobs', 0)
    await fill('failed', 4)
    expect((await watch.tell('key-length')).step('key-length').outcome).toBe('ok')
  })

  test('a queue that shrinks is let be, one that stays or grows is told with how much', async () => {
    const watch = watching({ keys: [{ key: 'jobs', max: 10, consumer: 'the mailer' }] })
    await fill('jobs', 20)
    const first = await watch.tell('key-length')
    expect(render(first.step('key-length').findings[0]?.advice ?? '')).toContain(
      'see whether the mailer runs',
    )
    await fill('jobs', 26)
    expect((await watch.tell('key-length')).summaries('key-length')).toEqual([
      'jobs has 26 elements (limit 10), 6 more than before',
    ])
    await fill('jobs', 19)
    expect((await watch.tell('key-length')).step('key-length').outcome).toBe('ok')
    await fill('jobs', 26)
    expect((await watch.tell('key-length')).summaries('key-length')).toEqual([
      'jobs has 26 elements (limit 10), and none fewer than before',
    ])
    await fill('jobs', 3)
    expect((await watch.tell('key-length')).step('key-length').outcome).toBe('ok')
  })

  test('a key of another type or beyond the rights of the user is unknown, and the others are told', async () => {
    await redis.cli('set', 'jobs:text', 'x')
    await fill('jobs', 20)
    const keys = ['jobs:text', 'secret', 'jobs'].map((key) => ({ key, max: 10 }))
    const told = await watching({
      keys: [...keys, { key: 'failed', max: { times: 1, of: 'jobs:text' } }],
    }).tell('key-length')
    expect(told.step('key-length').findings.map(({ key }) => key)).toEqual(['jobs'])
    expect(told.reason('key-length')).toContain('jobs:text: it is of the type string, which has no length')
    expect(told.reason('key-length')).toContain('secret: ')
    expect(told.reason('key-length')).toContain('the user healthz may not use TYPE on this key')
    const unknown = await watching({ keys: [{ key: 'secret', max: 10 }] }).tell('key-length')
    expect(unknown.step('key-length').outcome).toBe('unknown')
  })

  test('who takes from a key is started where a person consents, and not once it is short', async () => {
    await fill('jobs', 20)
    const start = ['redis-cli', '-p', `${redis.port}`, 'ltrim', 'jobs', '0', '4']
    const watch = watching({ keys: [{ key: 'jobs', max: 10, start }] })
    const told = await watch.tell('key-length')
    expect(told.cures.get('key-length/jobs')?.consent).toBe('ask')
    const other = await watching({ keys: [{ key: 'jobs', max: 10, start: ['/nowhere/start'] }] }).tell(
      'key-length',
    )
    await expect(other.cure('key-length/jobs')).rejects.toMatchObject({ name: 'DidNotHelp' })
    await told.cure('key-length/jobs')
    await until('it has taken', async () => (await redis.cli('llen', 'jobs')) === 5)
    expect((await watch.tell('key-length')).step('key-length').outcome).toBe('ok')

    await fill('jobs', 20)
    const again = await watch.tell('key-length')
    await fill('jobs', 6)
    await again.cure('key-length/jobs')
    expect((await watch.tell('key-length')).step('key-length').outcome).toBe('ok')
    expect(await redis.cli('llen', 'jobs')).toBe(6)
  })

  test('a key that its job has not written for long is told by what is left of its life', async () => {
    const fresh = [{ key: 'cache:prices', timeout: '10m', maxAge: '3m', writer: 'the price job' }]
    const watch = watching({ fresh })
    await redis.cli('set', 'cache:prices', 'x', 'px', 590_000)
    expect((await watch.tell('key-fresh')).step('key-fresh').outcome).toBe('ok')
    await redis.cli('pexpire', 'cache:prices', 360_000)
    const told = await watch.tell('key-fresh')
    expect(told.summaries('key-fresh')).toEqual([
      expect.stringMatching(/^cache:prices was last written 4 min( \d s)? ago \(limit 3 min\)$/),
    ])
    expect(told.step('key-fresh').findings[0]).toMatchObject({ key: 'cache:prices', severity: 'warning' })
    expect(render(told.step('key-fresh').findings[0]?.advice ?? '')).toContain('the price job')
  })

  test('a key that never expires is told apart from one that is missing', async () => {
    const fresh = ['a', 'b', 'c'].map((name) => ({ key: `cache:${name}`, timeout: '10m', maxAge: '3m' }))
    await redis.cli('set', 'cache:a', 'x')
    const watch = watching({ fresh: [...fresh.slice(0, 2), { ...fresh[2], allowEmpty: true }] })
    const told = await watch.tell('key-fresh')
    const findings = told.step('key-fresh').findings.toSorted((a, b) => a.key.localeCompare(b.key))
    expect(findings).toMatchObject([
      {
        key: 'cache:a',
        severity: 'warning',
        summary: { template: expect.stringContaining('never expires') },
      },
      { key: 'cache:b', severity: 'critical', summary: { template: expect.stringContaining('is missing') } },
    ])
    expect(findings).toHaveLength(2)
  })

  test('a time that a job writes down says how old it is', async () => {
    const fresh = [
      { key: 'cache:at', maxAge: '1m' },
      { key: 'cache:job', field: 'updated', maxAge: '1m' },
    ]
    const watch = watching({ fresh })
    const ago = (ms: number) => Date.now() - ms
    await redis.cli('set', 'cache:at', Math.round(ago(30_000) / 1000))
    await redis.cli('hset', 'cache:job', 'updated', new Date(ago(30_000)).toISOString())
    expect((await watch.tell('key-fresh')).step('key-fresh').outcome).toBe('ok')
    await redis.cli('set', 'cache:at', ago(120_000))
    await redis.cli('hset', 'cache:job', 'updated', new Date(ago(300_000)).toISOString())
    expect((await watch.tell('key-fresh')).summaries('key-fresh').toSorted()).toEqual([
      expect.stringMatching(/^cache:at was last written 2 min( \d s)? ago \(limit 1 min\)$/),
      expect.stringMatching(/^cache:job was last written 5 min( \d s)? ago \(limit 1 min\)$/),
    ])
  })

  test('what tells no age is unknown, never fresh', async () => {
    await redis.cli('set', 'cache:word', 'soon')
    await redis.cli('set', 'cache:ahead', Date.now() + 3_600_000)
    await redis.cli('set', 'cache:longer', 'x', 'px', 3_600_000)
    await redis.cli('set', 'cache:text', 'x')
    const told = await watching({
      fresh: [
        ...['cache:word', 'cache:ahead', 'secret'].map((key) => ({ key, maxAge: '1m' })),
        { key: 'cache:longer', timeout: '10m', maxAge: '1m' },
        { key: 'cache:text', field: 'at', maxAge: '1m' },
      ],
    }).tell('key-fresh')
    expect(told.step('key-fresh')).toMatchObject({ outcome: 'unknown', findings: [] })
    const reason = told.reason('key-fresh')
    expect(reason).toContain('cache:word: what it holds is no time')
    expect(reason).toMatch(/cache:ahead: its time lies (1 h|59 min 5\d s) ahead/)
    expect(reason).toContain('secret: ')
    expect(reason).toContain('more than the 10 min that it should be written with')
    expect(reason).toContain('cache:text: it has another type')
    expect(JSON.stringify(told.steps)).not.toContain('soon')
  })

  test('options that do not fit together are refused', () => {
    const faultOf = (given: object) => redisStory.options.safeParse(given).error?.issues[0]
    const url = 'redis://r'
    expect(faultOf({})).toMatchObject({ path: ['url'] })
    expect(faultOf({ mode: 'sentinel' })).toMatchObject({ path: ['sentinels'] })
    expect(faultOf({ mode: 'sentinel', sentinels: [url], url })).toMatchObject({ path: ['url'] })
    expect(faultOf({ mode: 'sentinel', sentinels: [url], replicas: [url] })).toMatchObject({
      path: ['replicas'],
    })
    expect(faultOf({ url, sentinels: [url] })).toMatchObject({ path: ['sentinels'] })
    expect(faultOf({ url, expectSentinels: 3 })).toMatchObject({ path: ['expectSentinels'] })
    expect(faultOf({ url, fresh: [{ key: 'a', maxAge: '1m', timeout: '1m', field: 'b' }] })).toMatchObject({
      path: ['fresh', 0],
    })
  })
})
