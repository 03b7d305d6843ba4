import { expect, test } from 'vitest'
import type { ProblemStatus } from '../../src/core/status.ts'
import { describeWith } from '../support/needs.ts'
import { makePlace } from '../support/program.ts'
import { makeCeleryApp } from '../support/servers/celery.ts'
import { startHttpReceiver } from '../support/servers/http-receiver.ts'
import { startRedis } from '../support/servers/redis.ts'
import { until } from '../support/servers/until.ts'

interface Told {
  readonly kind: string
  readonly entry: string
  readonly step: string
  readonly affected: readonly string[]
}

describeWith(['redis', 'celery'], 'a Redis that takes Celery and Beat with it', () => {
  test('is one alarm, that says so; who comes back with it was never told', {
    timeout: 120_000,
  }, async () => {
    await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    await using receiver = await startHttpReceiver()
    const settings = {
      redbeat_redis_url: `${redis.url}/1`,
      redbeat_lock_timeout: 5,
      beat_schedule: { tick: { task: 'hzapp.add', schedule: 1 } },
    }
    await using app = await makeCeleryApp({ broker: `${redis.url}/0`, settings, hasRedbeat: true })
    await using _worker = await app.worker('w1@hz', { pool: 'solo' })
    await using beat = await app.beat('main', ['-S', 'redbeat.RedBeatScheduler', '--max-interval', '1'])
    await until('beat keeps its schedule', async () =>
      String(await redis.cli('info', 'keyspace')).includes('db1'),
    )
    await using place = await makePlace({
      'healthz.yaml': `
http: { listen: 127.0.0.1:0 }
store: memory
stories:
  - { story: beat, every: 1s, confirmAfter: 200ms, dependsOn: [cache], with: { url: "${redis.url}/1" } }
  - story: celery
    name: workers
    every: 1s
    confirmAfter: 200ms
    dependsOn: [cache]
    with: { broker: "${redis.url}/0", answerWithin: 1s }
  - { story: redis, name: cache, every: 2s, confirmAfter: 200ms, with: { url: "${redis.url}" } }
channels: { hook: { use: webhook, url: "${receiver.url}" } }
alarms: { groupWait: 1s }
`,
    })
    const told = (): Told[] => receiver.requests.flatMap(({ body }) => JSON.parse(body).alarms)
    const words = () => told().map(({ kind, entry, step }) => `${kind} ${entry}/${step}`)
    const daemon = await place.daemon()
    for (const entry of ['beat', 'workers', 'cache']) await daemon.says('round ended', { entry })
    expect(words(), 'all is well').toEqual([])

    await redis.kill()
    await until('people are told', () => told().length > 0)
    const ended = () => daemon.log().filter(({ msg, entry }) => msg === 'round ended' && entry === 'workers')
    const before = ended().length
    await until('the workers were looked at again', () => ended().length >= before + 3, { deadline: 30_000 })
    expect(words()).toEqual(['raised cache/connect'])
    expect(told()[0]?.affected).toEqual(['beat', 'workers'])
    const { problems } = JSON.parse((await daemon.get('/api/v1/problems')).body)
    const causes = problems.map((one: ProblemStatus) => `${one.entry}: ${one.cause}`)
    expect(new Set(causes)).toEqual(new Set(['cache: null', 'workers: cache', 'beat: cache']))

    await redis.restart()
    // Beat ends when its Redis goes; who looks after it starts it again.
    if (!beat.isRunning()) await beat.restart()
    await until(
      'all is well again',
      async () => {
        return JSON.parse((await daemon.get('/api/v1/problems')).body).problems.length === 0
      },
      { deadline: 60_000 },
    )
    await until('the end is told', () => words().length > 1)
    expect(words()).toEqual(['raised cache/connect', 'recovered cache/connect'])
  })
})
