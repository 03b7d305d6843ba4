import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeWith } from '../support/needs.ts'
import { makePlace, type Place } from '../support/program.ts'
import type { JsonReport } from '../support/reports.ts'
import { type Mariadb, startMariadb } from '../support/servers/mariadb.ts'
import { type Redis, startRedis } from '../support/servers/redis.ts'
import { type Supervisor, startSupervisor } from '../support/servers/supervisor.ts'
import { until } from '../support/servers/until.ts'

const stories = join(import.meta.dirname, '../support/stories')

describeWith(['redis', 'supervisor', 'mariadb'], 'a server that is dead or hangs', () => {
  const stack = new AsyncDisposableStack()
  let redis: Redis
  let supervisor: Supervisor
  let mariadb: Mariadb
  let place: Place

  beforeAll(async () => {
    ;[redis, supervisor, mariadb] = await Promise.all([
      startRedis({ args: ['--maxmemory', '64mb'] }),
      startSupervisor(),
      startMariadb(),
    ])
    for (const server of [redis, supervisor, mariadb]) stack.use(server)
    place = stack.use(
      await makePlace({
        'healthz.yaml': `
http: { listen: 127.0.0.1:0 }
store: memory
plugins: [${stories}]
stories:
  - { story: redis, name: cache, every: 1s, confirmAfter: 200ms, with: { url: "${redis.url}" } }
  - story: supervisor
    name: programs
    confirmAfter: 200ms
    with: { url: "http://127.0.0.1:${supervisor.port}", user: hz, password: hz-pw }
  - story: mysql
    name: db
    confirmAfter: 200ms
    with: { url: "${mariadb.url}" }
    steps: { table-size: off, auto-increment: off, lock-wait: off, long-trx: off, replica-threads: off }
  - { story: light, every: 1s, with: { file: light } }
`,
      }),
    )
  })
  afterAll(() => stack.disposeAsync())
  beforeEach(async () => {
    for (const server of [redis, supervisor, mariadb]) {
      server.thaw()
      if (!server.isRunning()) await server.restart()
    }
  })

  /** One run: its problems as `entry/step kind`, what was said of each, and how long it took in seconds. */
  async function look() {
    const { code, stdout, stderr } = await place.run('--once', '--format', 'json')
    expect(stderr).toBe('')
    expect(place.processes()).toEqual([])
    const report: JsonReport = JSON.parse(stdout)
    const problems = report.problems.map(
      ({ entry, step, evidence }) => `${entry}/${step} ${evidence['kind']}`,
    )
    const asked = report.entries.flatMap(({ name, steps }) => {
      const outcomes = new Set(steps.map(({ outcome }) => outcome))
      return [`${name}: ${[...outcomes].join(', ')}`]
    })
    return { code, problems: problems.toSorted(), asked, took: report.tookSeconds, report }
  }

  test('all is well while all servers are', async () => {
    expect(await look()).toMatchObject({ code: 0, problems: [] })
  })

  test('a dead server is one problem, by its kind, and is asked nothing else', async () => {
    await redis.kill()
    const { code, problems, asked, report } = await look()
    expect(problems).toEqual(['cache/connect refused'])
    expect(report.problems[0]?.summary).toBe(`nothing listens on 127.0.0.1:${redis.port}`)
    expect(report.problems[0]?.advice).toContain('start the server')
    expect(asked[0]).toBe('cache: problem, skipped')
    expect(asked.slice(1)).toEqual(['programs: ok', 'db: ok', 'light: ok'])
    expect(code).toBe(1)
  })

  test('a hung server is told as hung, and does not hold up the round', async () => {
    redis.freeze()
    const { code, problems, report, took } = await look()
    expect(problems).toEqual(['cache/connect timeout-reply'])
    expect(report.problems[0]?.summary).toContain(`127.0.0.1:${redis.port} accepts TCP but does not answer`)
    expect(took).toBeLessThan(12)
    expect(code).toBe(1)
  })

  test('several at once are told one each, in no more time than one', async () => {
    redis.freeze()
    supervisor.freeze()
    await mariadb.kill()
    const { problems, asked, took } = await look()
    expect(problems).toEqual([
      'cache/connect timeout-reply',
      'db/connect refused',
      'programs/connect timeout-reply',
    ])
    expect(asked.at(-1)).toBe('light: ok')
    expect(took).toBeLessThan(12)
  })

  test('a daemon tells the others at their pace while one hangs, and sees its recovery', async () => {
    const daemon = await place.daemon()
    await daemon.says('round ended', { entry: 'cache' })
    redis.freeze()
    await daemon.says('raised', { problem: 'cache/connect' })
    const rounds = (entry: string) =>
      daemon.log().filter((line) => line.msg === 'round ended' && line['entry'] === entry).length
    const [lights, caches] = [rounds('light'), rounds('cache')]
    await until('the light was told five times more', () => rounds('light') >= lights + 5)
    // At the pace of the hung one they would be told no more often than it.
    expect(rounds('cache') - caches).toBeLessThan(rounds('light') - lights)
    redis.thaw()
    await daemon.says('recovered', { problem: 'cache/connect' })
    daemon.signal('SIGTERM')
    expect(await daemon.ended()).toMatchObject({ code: 0, stderr: '' })
    expect(place.processes()).toEqual([])
  })
})
