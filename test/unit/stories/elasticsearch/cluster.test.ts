import { createServer } from 'node:http'
import { afterAll, describe, expect, test } from 'vitest'
import elasticsearch from '../../../../stories/elasticsearch/index.ts'
import { startListening } from '../../../support/servers/listening.ts'
import { healthOf, type SearchAnswers, startSearchFake } from '../../../support/servers/search-fake.ts'
import { teller } from '../../../support/teller.ts'

const minute = 60_000

/** What needs several nodes or much time, over a fake that answers as a real node of one did. */
describe('a cluster of several nodes', () => {
  const open = new AsyncDisposableStack()
  afterAll(() => open.disposeAsync())

  const tellerOf = async (answers: SearchAnswers, options: object = {}, steps = {}) => {
    const fake = open.use(await startSearchFake('elasticsearch', '8.19.0', answers))
    return teller(elasticsearch, { nodes: [fake.url], ...options }, steps)
  }

  const yellow = { status: 'yellow', number_of_data_nodes: 3, number_of_nodes: 3, unassigned_shards: 2 }

  test('yellow is told as a warning once it has lasted, red at once and as critical', async () => {
    const cluster = await tellerOf({ '/_cluster/health': healthOf(yellow) })
    expect((await cluster.tell('status')).step('status').outcome).toBe('ok')
    cluster.samples = { status: { at: Date.now() - minute, value: { since: Date.now() - 16 * minute } } }
    const told = await cluster.tell('status')
    expect(told.step('status').findings).toMatchObject([{ severity: 'warning' }])
    expect(told.summaries('status')).toEqual([
      'the cluster has been yellow for 16 min (limit 15 min): 2 copies missing, so that the next node to fail takes data with it',
    ])
    const red = await tellerOf({ '/_cluster/health': healthOf({ ...yellow, status: 'red' }) })
    expect((await red.tell('status')).step('status').findings).toMatchObject([{ severity: 'critical' }])
  })

  test('a cluster that did not find its own state in time is unknown', async () => {
    const cluster = await tellerOf({ '/_cluster/health': healthOf({ timed_out: true }) })
    expect((await cluster.tell('status')).step('status').outcome).toBe('unknown')
  })

  test('shards that wait for the node that just left are left alone', async () => {
    const health = healthOf({ ...yellow, delayed_unassigned_shards: 2 })
    const told = await (await tellerOf({ '/_cluster/health': health })).tell('shards')
    expect(told.step('shards').outcome).toBe('ok')
  })

  test('shards on the move for long are told', async () => {
    const cluster = await tellerOf({ '/_cluster/health': healthOf({ relocating_shards: 2 }) })
    expect((await cluster.tell('shards')).step('shards').outcome).toBe('ok')
    cluster.samples = { shards: { at: Date.now() - minute, value: { since: Date.now() - 31 * minute } } }
    expect((await cluster.tell('shards')).summaries('shards')).toEqual([
      '2 shards have been on the move for 31 min (limit 30 min)',
    ])
  })

  test('data that is on none of the nodes is told as such, and nothing is tried', async () => {
    const cluster = await tellerOf({
      '/_cluster/health': healthOf({
        status: 'red',
        unassigned_shards: 1,
        indices: { logs: { status: 'red', number_of_shards: 1, active_primary_shards: 0 } },
      }),
      '/_cluster/allocation/explain': {
        index: 'logs',
        shard: 0,
        primary: true,
        unassigned_info: { reason: 'NODE_LEFT', at: '2026-11-21T00:00:00Z' },
        can_allocate: 'no_valid_shard_copy',
        node_allocation_decisions: [{ node_name: 'n1', node_decision: 'no', store: { found: false } }],
      },
    })
    const told = await cluster.tell('shards')
    expect(told.summaries('shards')).toEqual([
      'no node holds 1 shard of logs; logs[0] is on none of the nodes that are there',
    ])
    expect(told.cures.size).toBe(0)
  })

  test('a cluster that has given up on copies is a warning that is tried again', async () => {
    const cluster = await tellerOf({
      '/_cluster/health': healthOf(yellow),
      '/_cluster/allocation/explain': {
        index: 'logs',
        shard: 0,
        primary: false,
        unassigned_info: { failed_allocation_attempts: 5 },
        can_allocate: 'no',
        node_allocation_decisions: [
          { deciders: [{ decider: 'max_retry', decision: 'NO', explanation: 'a customer' }] },
        ],
      },
      '/_cluster/reroute': { acknowledged: true },
    })
    const told = await cluster.tell('shards')
    expect(told.step('shards').findings).toMatchObject([
      { key: 'copy', severity: 'warning', cure: { consent: 'auto' } },
    ])
    expect(JSON.stringify(told)).not.toContain('a customer')
    await told.cure('shards/copy')
  })

  const statsOf = (nodes: Record<string, object>, failed = 0) => ({ _nodes: { failed }, nodes })
  const node = (name: string, but: object = {}) => ({
    name,
    roles: ['data', 'master'],
    jvm: {
      uptime_in_millis: 100 * minute,
      mem: { heap_used_percent: 50 },
      gc: { collectors: { old: { collection_time_in_millis: 60_000 } } },
    },
    thread_pool: { write: { rejected: 100 }, search: { rejected: 0 } },
    breakers: { parent: { tripped: 0 } },
    fs: { data: [{ available_in_bytes: 900, total_in_bytes: 1000 }] },
    ...but,
  })

  test('a node that left is named, one that hangs too', async () => {
    const cluster = await tellerOf(
      {
        '/_cluster/health': healthOf({ number_of_nodes: 2, number_of_data_nodes: 2 }),
        '/_nodes/stats/fs,jvm,thread_pool,breaker': statsOf({ a: node('es1') }, 1),
      },
      { expectNodes: 3 },
    )
    cluster.samples = { nodes: { at: Date.now() - minute, value: ['es1', 'es2', 'es3'] } }
    const told = await cluster.tell('nodes')
    expect(told.step('nodes').findings).toMatchObject([
      { key: 'left', severity: 'warning', evidence: { nodes: 2, expected: 3, gone: 'es2, es3' } },
      { key: 'silent', severity: 'warning' },
    ])
    expect(told.summaries('nodes')[1]).toBe('1 node in the cluster did not answer the others in time')
  })

  const before = { heaps: [50], oldGc: 0, uptime: 98 * minute }

  test('a node that only collects garbage is told, one that was restarted meanwhile is not', async () => {
    const cluster = await tellerOf({
      '/_nodes/stats/fs,jvm,thread_pool,breaker': statsOf({ a: node('es1') }),
    })
    cluster.samples = { heap: { at: Date.now() - 2 * minute, value: { a: before } } }
    const told = await cluster.tell('heap')
    expect(told.summaries('heap')).toEqual([
      'node es1 spends 50 % of its time collecting garbage (limit 10 %)',
    ])
    cluster.samples = {
      heap: { at: Date.now() - 2 * minute, value: { a: { ...before, uptime: 101 * minute } } },
    }
    expect((await cluster.tell('heap')).step('heap').outcome).toBe('ok')
  })

  test('one collection between two looks in a row is no share of the time', async () => {
    const cluster = await tellerOf({
      '/_nodes/stats/fs,jvm,thread_pool,breaker': statsOf({ a: node('es1') }),
    })
    cluster.samples = { heap: { at: Date.now() - 50, value: { a: before } } }
    expect((await cluster.tell('heap')).step('heap').outcome).toBe('ok')
  })

  test('three samples above the critical limit are critical', async () => {
    const full = { jvm: { uptime_in_millis: 100 * minute, mem: { heap_used_percent: 97 } } }
    const cluster = await tellerOf({
      '/_nodes/stats/fs,jvm,thread_pool,breaker': statsOf({ a: node('es1', full) }),
    })
    cluster.samples = { heap: { at: Date.now() - minute, value: { a: { ...before, heaps: [96, 98] } } } }
    expect((await cluster.tell('heap')).step('heap').findings).toMatchObject([
      { key: 'heap es1', severity: 'critical', evidence: { least: 96 } },
    ])
  })

  test('rejections from before a restart of the node do not count', async () => {
    const cluster = await tellerOf({
      '/_nodes/stats/fs,jvm,thread_pool,breaker': statsOf({ a: node('es1') }),
    })
    const old = { id: 'a', name: 'es1', rejected: { write: 0 }, tripped: {} }
    const at = Date.now() - minute
    cluster.samples = { rejections: { at, value: [{ ...old, uptime: 99 * minute }] } }
    expect((await cluster.tell('rejections')).summaries('rejections')[0]).toContain(
      'node es1 has rejected 100 requests to write within',
    )
    cluster.samples = { rejections: { at, value: [{ ...old, uptime: 101 * minute }] } }
    expect((await cluster.tell('rejections')).step('rejections').outcome).toBe('ok')
  })

  test('a node that does not tell its figures is unknown, never 0', async () => {
    const blank = { thread_pool: {}, jvm: {}, fs: {} }
    const cluster = await tellerOf({
      '/_nodes/stats/fs,jvm,thread_pool,breaker': statsOf({ a: node('es1', blank) }),
      '/_cluster/settings': {},
    })
    const told = await cluster.tell('disk', 'heap', 'rejections', 'shard-limit')
    for (const { outcome } of Object.values(told.steps)) expect(outcome).toBe('unknown')
  })

  test('of hundreds of full nodes twenty are told, and of the rest the number', async () => {
    const full = { fs: { data: [{ available_in_bytes: 10, total_in_bytes: 1000 }] } }
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`n${at}`, node(`es${at}`, full)]))
    const marks = { low: '85%', high: '90%', flood_stage: '95%' }
    const cluster = await tellerOf({
      '/_nodes/stats/fs,jvm,thread_pool,breaker': statsOf(many),
      '/_cluster/settings': {
        defaults: { cluster: { routing: { allocation: { disk: { watermark: marks } } } } },
      },
    })
    const told = await cluster.tell('disk')
    expect(told.step('disk').findings).toHaveLength(20)
    expect(told.step('disk').notes.at(-1)).toMatchObject({ values: [{ count: 5 }] })
  })

  test('nodes of two clusters in one entry are told', async () => {
    const other = open.use(
      await startSearchFake('elasticsearch', '8.19.0', {
        '/_nodes/_local': { cluster_name: 'other', nodes: { n: { version: '8.19.0', build_flavor: 'x' } } },
      }),
    )
    const one = open.use(await startSearchFake('elasticsearch', '8.19.0', {}))
    const told = await teller(elasticsearch, { nodes: [one.url, other.url] }).tell('connect')
    expect(told.summaries('connect')).toEqual([
      'the configured nodes belong to different clusters: hz, other',
    ])
  })

  test.each(['hello', '{}', '{"cluster_name":"x","nodes":{}}', '[1]'])(
    'what answers %s is not taken for Elasticsearch',
    async (body) => {
      const { port } = open.use(
        await startListening(() => ({ server: createServer((_, response) => response.end(body)) })),
      )
      const told = await teller(elasticsearch, { nodes: [`http://127.0.0.1:${port}`] }).tell()
      expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'protocol' } }])
    },
  )

  test('a health report that is yellow is told with what Elasticsearch advises, one unknown is unknown', async () => {
    const slm = { status: 'yellow', symptom: 'Encountered [1] unhealthy SLM policies.' }
    const cluster = await tellerOf({
      '/_health_report': { status: 'yellow', indicators: { slm, master_is_stable: { status: 'unknown' } } },
      '/_health_report/slm': {
        indicators: { slm: { ...slm, diagnosis: [{ action: 'Check the SLM policy.' }] } },
      },
    })
    const told = await cluster.tell('health-report')
    expect(told.summaries('health-report')).toEqual([
      'Elasticsearch finds slm yellow: Encountered [1] unhealthy SLM policies.',
    ])
    expect(told.step('health-report').findings[0]?.advice).toMatchObject({
      values: [['Check the SLM policy.']],
    })
    expect(told.reason('health-report')).toBe('Elasticsearch itself cannot tell: master_is_stable')
  })
})
