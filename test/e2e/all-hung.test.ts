import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '../support/needs.ts'
import { makePlace, type Place } from '../support/program.ts'
import type { JsonReport } from '../support/reports.ts'
import { startElasticsearch } from '../support/servers/elasticsearch.ts'
import { startGunicorn } from '../support/servers/gunicorn.ts'
import { startInfluxdb } from '../support/servers/influxdb.ts'
import { startKafka } from '../support/servers/kafka.ts'
import { startMariadb } from '../support/servers/mariadb.ts'
import { startNginx } from '../support/servers/nginx.ts'
import type { ServerProcess } from '../support/servers/process.ts'
import { startPrometheus } from '../support/servers/prometheus.ts'
import { startRabbitmq } from '../support/servers/rabbitmq.ts'
import { startRedis } from '../support/servers/redis.ts'
import { startSupervisor } from '../support/servers/supervisor.ts'
import { until } from '../support/servers/until.ts'

const needed = [
  'redis',
  'mariadb',
  'rabbitmq',
  'supervisor',
  'influxdb',
  'prometheus',
  'nginx',
  'gunicorn',
  'java',
] as const

describeWith(needed, 'ten kinds of server, all hung at once', () => {
  const stack = new AsyncDisposableStack()
  let place: Place
  let stories: readonly string[]
  const config = (more: string) => `
http: { listen: 127.0.0.1:0 }
store: memory
stories:
${stories.map((story) => `  - { ${story}, confirmAfter: 100ms${more} }`).join('\n')}
`

  beforeAll(async () => {
    const [redis, mariadb, rabbitmq, supervisor, influxdb, prometheus, nginx, gunicorn] = await Promise.all([
      startRedis(),
      startMariadb(),
      startRabbitmq(),
      startSupervisor(),
      startInfluxdb({ auth: false }),
      startPrometheus(),
      startNginx(),
      startGunicorn(),
    ])
    const kafka = stack.use(await startKafka())
    const opensearch = await startElasticsearch({ product: 'opensearch', version: '2.19.1' })
    const servers: readonly ServerProcess[] = [
      ...[redis, mariadb, rabbitmq, supervisor, influxdb, prometheus, nginx, gunicorn, opensearch],
    ]
    for (const server of servers) stack.use(server)
    const broker = kafka.brokers[0]
    const api = `http://127.0.0.1:${rabbitmq.managementPort}`
    stories = [
      `story: redis, with: { url: "${redis.url}" }`,
      `story: mysql, with: { url: "${mariadb.url}" }`,
      `story: rabbitmq, with: { nodes: ["${api}"], user: ${rabbitmq.user}, password: ${rabbitmq.password} }`,
      `story: supervisor, with: { url: "http://127.0.0.1:${supervisor.port}", user: hz, password: hz-pw }`,
      `story: influxdb, with: { url: "${influxdb.url}" }`,
      `story: prom, with: { url: "${prometheus.url}", queries: [{ name: up, query: up }] }`,
      `story: http, with: { url: "${nginx.url}" }`,
      `name: gunicorn, story: http, with: { url: "${gunicorn.url}", preset: gunicorn }`,
      `story: kafka, with: { brokers: ["127.0.0.1:${broker?.port}"] }`,
      `story: elasticsearch, with: { nodes: ["${opensearch.url}"] }`,
      `story: celery, with: { broker: "${redis.url}/0" }`,
      `story: bullmq, with: { url: "${redis.url}", queues: [mail] }`,
    ]
    place = stack.use(await makePlace())
    for (const server of [...servers, ...kafka.brokers]) server.freeze()
  }, 180_000)
  afterAll(() => stack.disposeAsync())

  test('the round ends in time, and says of each that it does not answer', { timeout: 120_000 }, async () => {
    await place.write('healthz.yaml', config(''))
    const { stdout, stderr } = await place.run('--once', '--format', 'json')
    expect(stderr).toBe('')
    const report: JsonReport = JSON.parse(stdout)
    expect(report.tookSeconds).toBeLessThan(45)
    const said = report.problems.map(({ entry, summary }) => [
      entry,
      summary.includes('does not answer') ? 'does not answer' : summary,
    ])
    expect(Object.fromEntries(said)).toEqual(
      Object.fromEntries(stories.map((story) => [nameOf(story), 'does not answer'])),
    )
    expect(said).toHaveLength(stories.length)
    expect(place.processes()).toEqual([])
  })

  test('a hundred rounds leave no process, no socket and no memory behind', {
    timeout: 300_000,
  }, async () => {
    const short = ', every: 1s, deadlines: { open: 300ms, step: 300ms, story: 900ms }'
    await place.write('healthz.yaml', config(short))
    const daemon = await place.daemon()
    const rounds = () =>
      Math.min(
        ...stories.map((story) => {
          const entry = nameOf(story)
          return daemon.log().filter((line) => line.msg === 'round ended' && line['entry'] === entry).length
        }),
      )
    const held = async () => {
      const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8')
      const files = await readdir(`/proc/${daemon.pid}/fd`)
      return { files: files.length, resident: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 }
    }
    await until('30 rounds have ended', () => rounds() >= 30, { deadline: 120_000, every: 500 })
    const early = await held()
    await until('130 rounds have ended', () => rounds() >= 130, { deadline: 240_000, every: 500 })
    // In the middle of a round its connections are open.
    const isBack = async () => (await held()).files <= early.files + stories.length
    await until('the sockets of earlier rounds are closed', isBack)
    expect((await held()).resident).toBeLessThan(early.resident * 1.25)
    expect(place.processes()).toEqual([daemon.pid])
  })
})

/** An entry without a name of its own bears that of its kind. */
function nameOf(story: string): string {
  return /^(?:name|story): (\w+)/.exec(story)?.[1] ?? ''
}
