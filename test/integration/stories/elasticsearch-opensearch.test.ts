import { chmod } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import elasticsearch from '../../../stories/elasticsearch/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Elasticsearch, startElasticsearch } from '../../support/servers/elasticsearch.ts'
import { freePort } from '../../support/servers/ports.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['java'], 'an OpenSearch 2.19', () => {
  let node: Elasticsearch

  beforeAll(async () => {
    node = await startElasticsearch({
      product: 'opensearch',
      version: '2.19.1',
      conf: 'thread_pool.write.size: 1\nthread_pool.write.queue_size: 1',
    })
  }, 90_000)

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]()
  })

  const tellerOf = (
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(elasticsearch, { nodes: [node.url], ...withOptions }, steps)

  /** An index without copies, which is gone at the end of the block. */
  const index = async (name: string, body: { settings?: object; aliases?: object } = {}) => {
    const settings = { number_of_replicas: 0, ...body.settings }
    await node.api('PUT', `/${name}?wait_for_active_shards=0`, { ...body, settings })
    return {
      async [Symbol.asyncDispose]() {
        await node.api('DELETE', `/${name}`)
      },
    }
  }

  /** Settings of the cluster that are taken back at the end of the block. */
  const settings = async (persistent: Record<string, unknown>) => {
    await node.api('PUT', '/_cluster/settings', { persistent })
    const none = Object.fromEntries(Object.keys(persistent).map((name) => [name, null]))
    return {
      async [Symbol.asyncDispose]() {
        await node.api('PUT', '/_cluster/settings', { persistent: none })
      },
    }
  }

  const watermarks = (low: string, high: string, flood: string) =>
    settings({
      'cluster.routing.allocation.disk.watermark.low': low,
      'cluster.routing.allocation.disk.watermark.high': high,
      'cluster.routing.allocation.disk.watermark.flood_stage': flood,
    })

  test('a cluster with nothing to complain about is fine; what it does not have is unknown, not ok', async () => {
    await using _ = await index('shop')
    const watched = tellerOf()
    await watched.tell()
    const told = await watched.tell()
    const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(outcomes.filter((outcome) => !outcome.endsWith(' ok'))).toEqual([
      'ilm unknown',
      'health-report unknown',
    ])
    expect(outcomes).toHaveLength(12)
    expect(told.reason('ilm')).toContain('the plug-in index-management')
    expect(told.reason('health-report')).toContain('Elasticsearch 8.7')
  })

  test('missing data is critical, with the index and the words of the decider, and over with its cause', async () => {
    await using _ = await index('red', { settings: { 'index.routing.allocation.require._name': 'nobody' } })
    const watched = tellerOf()
    const told = await watched.tell('status', 'shards')
    expect(told.summaries('status')).toEqual(['the cluster is red: data of 1 index is missing'])
    expect(told.step('status').findings[0]?.severity).toBe('critical')
    expect(told.summaries('shards')).toEqual([
      'no node holds 1 shard of red; red[0]: filter: node does not match index setting [index.routing.allocation.require] filters [_name:"nobody"]',
    ])
    expect(told.step('shards').findings).toMatchObject([{ key: 'primary', severity: 'critical' }])
    expect(told.step('shards').findings[0]?.cure).toBeUndefined()
    await node.api('PUT', '/red/_settings', { 'index.routing.allocation.require._name': null })
    await until('the shard has a node', async () => {
      const told = await watched.tell('status', 'shards')
      return told.step('status').outcome === 'ok' && told.step('shards').outcome === 'ok'
    })
  })

  test('a single data node whose indices ask for copies is yellow, and that is no problem', async () => {
    await using _ = await index('lonely', { settings: { number_of_replicas: 1 } })
    const watched = tellerOf()
    watched.samples = { status: { at: Date.now() - 1000, value: { since: Date.now() - 86_400_000 } } }
    const told = await watched.tell('status', 'shards')
    expect(told.step('status').outcome).toBe('ok')
    expect(told.step('status').notes).toMatchObject([{ values: ['yellow', {}, {}] }, {}])
    expect(told.step('shards').outcome).toBe('ok')
  })

  test('a shard that the cluster has given up on is placed again once its disk can be written', async () => {
    await using _first = await index('first')
    await using _stuck = await index('stuck', {
      settings: { 'index.routing.allocation.require._name': 'nobody' },
    })
    await chmod(node.indicesDir, 0o555)
    await node.api('PUT', '/stuck/_settings', { 'index.routing.allocation.require._name': null })
    const watched = tellerOf()
    const told = await until('the cluster gives up', async () => {
      const told = await watched.tell('shards')
      return told.cures.size > 0 && told
    })
    expect(told.step('shards').findings).toMatchObject([
      { key: 'primary', cure: { consent: 'auto' }, evidence: { attempts: 5, shard: 'stuck[0]' } },
    ])
    expect(told.summaries('shards')).toEqual([
      'no node holds 1 shard of stuck; stuck[0]: it failed too often',
    ])
    await chmod(node.indicesDir, 0o755)
    expect((await watched.round()).healed).toContain('shards/primary')
    await until('the shard has a node', async () => {
      return (await watched.tell('shards')).step('shards').outcome === 'ok'
    })
  })

  test('a disk past a watermark is told by the limits of the cluster, in shares and in bytes', async () => {
    const watched = tellerOf()
    {
      await using _ = await watermarks('1%', '98%', '99%')
      const told = await watched.tell('disk')
      expect(told.step('disk').findings).toMatchObject([{ key: 'n1', severity: 'warning' }])
      expect(told.summaries('disk')).toEqual([
        expect.stringMatching(
          /^node n1 has \d.+ of disk left \(\d+ % used\), past the low watermark \(1%\): it takes no new copies$/,
        ),
      ])
    }
    {
      await using _ = await watermarks('1000tb', '999tb', '1b')
      const told = await watched.tell('disk')
      expect(told.step('disk').findings).toMatchObject([{ severity: 'critical' }])
      expect(told.summaries('disk')[0]).toContain('past the high watermark (999tb)')
    }
    {
      await using _ = await watermarks('1000tb', '999tb', '998tb')
      const [summary] = (await watched.tell('disk')).summaries('disk')
      expect(summary).toContain('past the flood stage (998tb): its indices are made read-only')
    }
    expect((await watched.tell('disk')).step('disk').outcome).toBe('ok')
  })

  test('an index that the full disk has blocked is told, and freed by a cure once there is room', async () => {
    await using _ = await index('full')
    await node.api('PUT', '/full/_settings', { 'index.blocks.read_only_allow_delete': true })
    const watched = tellerOf()
    {
      await using _ = await watermarks('1000tb', '999tb', '1b')
      const told = await watched.tell('read-only')
      expect(told.step('read-only').findings).toMatchObject([
        { key: 'flood', severity: 'critical', cure: { consent: 'ask' }, evidence: { names: 'full' } },
      ])
      await expect(told.cure('read-only/flood')).rejects.toMatchObject({ reason: { values: [['n1']] } })
    }
    const told = await watched.tell('read-only')
    expect(told.summaries('read-only')).toEqual([
      '1 index can only be read and deleted, as the disk was too full: full',
    ])
    await told.cure('read-only/flood')
    expect((await watched.tell('read-only')).step('read-only').outcome).toBe('ok')
    await node.api('PUT', '/full/_doc/1', { written: true })
  })

  test('a write-protected index matters where an alias is written to it, an archive does not', async () => {
    const blocked = { 'index.blocks.write': true }
    await using _archive = await index('logs-1', { settings: blocked, aliases: { logs: {} } })
    const watched = tellerOf()
    expect((await watched.tell('read-only')).step('read-only').outcome).toBe('ok')
    await using _current = await index('logs-2', {
      settings: blocked,
      aliases: { logs: { is_write_index: true } },
    })
    const told = await watched.tell('read-only')
    expect(told.summaries('read-only')).toEqual([
      'nothing can be written through the alias logs: its index logs-2 is write-protected',
    ])
    const archives = tellerOf({ archives: ['logs-*'] })
    expect((await archives.tell('read-only')).step('read-only').outcome).toBe('ok')
  })

  test('a cluster that was set read-only is told', async () => {
    await using _ = await settings({ 'cluster.blocks.read_only_allow_delete': true })
    expect((await tellerOf().tell('read-only')).summaries('read-only')).toEqual([
      'the whole cluster is set read-only (cluster.blocks.read_only_allow_delete)',
    ])
  })

  test('a heap is judged by the least of five samples', async () => {
    const watched = tellerOf({}, { heap: { warnPct: 1, critPct: 99 } })
    for (let round = 0; round < 4; round++)
      expect((await watched.tell('heap')).step('heap').outcome).toBe('ok')
    const told = await watched.tell('heap')
    expect(told.step('heap').findings).toMatchObject([{ key: 'heap n1', severity: 'warning' }])
    expect(told.summaries('heap')[0]).toMatch(
      /^node n1 uses \d+ % of its heap or more all the time \(limit 1 %\)$/,
    )
  })

  test('requests that a full pool rejects are told, and those before a restart are not', async () => {
    await using _ = await index('busy')
    const watched = tellerOf()
    expect((await watched.tell('rejections')).step('rejections').outcome).toBe('ok')
    const bulk = '{"index":{}}\n{"some":"text"}\n'.repeat(500)
    await until('20 bulks are rejected', async () => {
      await Promise.allSettled(Array.from({ length: 40 }, () => node.api('POST', '/busy/_bulk', bulk)))
      const { nodes } = (await node.api('GET', '/_nodes/stats/thread_pool')) as ThreadPools
      return Object.values(nodes).some(({ thread_pool }) => thread_pool.write.rejected >= 20)
    })
    const told = await watched.tell('rejections')
    expect(told.step('rejections').findings).toMatchObject([{ key: 'write n1', severity: 'warning' }])
    expect(told.summaries('rejections')[0]).toMatch(
      /^node n1 has rejected \d+ requests to write within .+ \(limit 10 a minute\)$/,
    )
    expect((await watched.tell('rejections')).step('rejections').outcome).toBe('ok')
  })

  test('requests that a circuit breaker refuses are told', async () => {
    await using _ = await index('sums')
    await node.api('PUT', '/sums/_doc/1?refresh=true', { word: 'some' })
    const watched = tellerOf()
    await watched.tell('rejections')
    {
      await using _ = await settings({ 'indices.breaker.request.limit': '1b' })
      const search = { aggs: { words: { terms: { field: 'word.keyword' } } } }
      const answers = await Promise.allSettled(
        Array.from({ length: 15 }, () => node.api('POST', '/sums/_search', search)),
      )
      expect(answers.every(({ status }) => status === 'rejected')).toBe(true)
    }
    const told = await watched.tell('rejections')
    expect(told.summaries('rejections')).toEqual([
      expect.stringMatching(/^node n1 has refused \d+ requests within .+ circuit breakers: request\)$/),
    ])
  })

  test('a master that does not keep up is told', async () => {
    await using _ = await index('fields')
    const watched = tellerOf({}, { 'pending-tasks': { max: 3 } })
    let field = 0
    const told = await until('its tasks pile up', async () => {
      const changes = Array.from({ length: 100 }, () =>
        node.api('PUT', '/fields/_mapping', { properties: { [`f${field++ % 900}`]: { type: 'keyword' } } }),
      )
      const told = await watched.tell('pending-tasks')
      await Promise.allSettled(changes)
      return told.step('pending-tasks').outcome === 'problem' && told
    })
    expect(told.summaries('pending-tasks')[0]).toMatch(
      /^\d+ tasks of the master pending \(limit 3\), one for /,
    )
    expect((await watched.tell('pending-tasks')).step('pending-tasks').outcome).toBe('ok')
  })

  test('shards near the limit of the cluster are told while there is room for some', async () => {
    await using _one = await index('many', { settings: { number_of_shards: 9 } })
    const limits = await settings({ 'cluster.max_shards_per_node': 10 })
    const watched = tellerOf()
    const told = await watched.tell('shard-limit')
    expect(told.summaries('shard-limit')[0]).toContain(
      '90 % of the shards are in use that the cluster may have (9 of 10, limit 80 %)',
    )
    await using _two = await index('more')
    expect((await watched.tell('shard-limit')).step('shard-limit').findings).toMatchObject([
      { severity: 'critical', evidence: { used: 10, most: 10 } },
    ])
    await limits[Symbol.asyncDispose]()
    expect((await watched.tell('shard-limit')).step('shard-limit').outcome).toBe('ok')
  })

  test('an expected alias without an index is told, one that is an index too', async () => {
    await using _ = await index('products-1', { aliases: { products: {} } })
    const watched = tellerOf({ expectAliases: ['products', 'orders', 'products-1'] })
    expect((await watched.tell('alias')).summaries('alias')).toEqual([
      'no index is behind the alias orders: who searches it finds nothing',
      'products-1 is an index, where an alias is expected',
    ])
    await node.api('POST', '/_aliases', {
      actions: [{ add: { index: 'products-1', alias: 'orders' } }],
    })
    const mended = tellerOf({ expectAliases: ['products', 'orders'] })
    expect((await mended.tell('alias')).step('alias').outcome).toBe('ok')
  })

  test('a write alias that did not move on with the day is told', async () => {
    const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10).replaceAll('-', '.')
    const aliases = { write_logs: {}, logs: {} }
    await using _old = await index(`logs-${dayOf(Date.now() - 2 * 86_400_000)}`, { aliases })
    const watched = tellerOf({ families: [{ write: 'write_logs', read: 'logs', daily: true }] })
    const told = await watched.tell('write-index')
    expect(told.step('write-index').findings).toMatchObject([{ key: 'write_logs', severity: 'critical' }])
    expect(told.summaries('write-index')[0]).toMatch(
      /^write_logs still leads to logs-\S+, which is not of today/,
    )
    await using _new = await index(`logs-${dayOf(Date.now())}`, { aliases })
    expect((await watched.tell('write-index')).summaries('write-index')).toEqual([
      '2 indices are behind the write alias write_logs, and it is not said which to write to',
    ])
    await node.api('POST', '/_aliases', {
      actions: [{ remove: { index: `logs-${dayOf(Date.now() - 2 * 86_400_000)}`, alias: 'write_logs' } }],
    })
    expect((await watched.tell('write-index')).step('write-index').outcome).toBe('ok')
  })

  test('a repository without a snapshot, and one whose snapshot is old, are told', async () => {
    await using _ = await index('kept')
    const watched = tellerOf({ repositories: ['backup'] })
    expect((await watched.tell('snapshot')).summaries('snapshot')).toEqual([
      'the repository backup is not there',
    ])
    await node.api('PUT', '/_snapshot/backup', { type: 'fs', settings: { location: node.backupDir } })
    expect((await watched.tell('snapshot')).summaries('snapshot')).toEqual([
      'the repository backup holds no snapshot that succeeded',
    ])
    await node.api('PUT', '/_snapshot/backup/first?wait_for_completion=true', { indices: 'kept' })
    expect((await watched.tell('snapshot')).step('snapshot').outcome).toBe('ok')
    const strict = tellerOf({ repositories: ['backup'] }, { snapshot: { maxAge: '1ms' } })
    expect((await strict.tell('snapshot')).summaries('snapshot')[0]).toMatch(
      /^the last snapshot of the repository backup that succeeded is .+ old \(limit 1 ms\)$/,
    )
  })

  test('fewer nodes than expected are told, half of them as critical', async () => {
    const few = await tellerOf({ expectNodes: 2 }).tell('nodes')
    expect(few.summaries('nodes')).toEqual(['the cluster has 1 node, 2 are expected'])
    expect(few.step('nodes').findings).toMatchObject([{ key: 'left', severity: 'critical' }])
  })

  test('one of two addresses that does not answer is a warning', async () => {
    const gone = `http://127.0.0.1:${await freePort()}`
    const told = await tellerOf({ nodes: [gone, node.url], expectNodes: 1 }).tell('connect', 'status')
    expect(told.step('connect').findings).toMatchObject([
      { severity: 'warning', key: new URL(gone).host, evidence: { kind: 'refused' } },
    ])
    expect(told.step('status').outcome).toBe('ok')
  })

  test('a node without an elected master is one critical problem', async () => {
    await using lost = await startElasticsearch({
      product: 'opensearch',
      version: '2.19.1',
      masterless: true,
    })
    const told = await tellerOf({ nodes: [lost.url] }).tell()
    const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(outcomes.filter((outcome) => !outcome.endsWith(' skipped'))).toEqual([
      'connect problem',
      // The node tells of itself.
      'heap ok',
      'rejections ok',
      'ilm unknown',
      'health-report unknown',
    ])
    expect(told.summaries('connect')).toEqual([
      'no master is elected: nothing can be written, and no index changed',
    ])
    expect(told.step('connect').findings[0]?.severity).toBe('critical')
    const both = await tellerOf({ nodes: [lost.url, node.url] }).tell('connect', 'status')
    expect(both.summaries('connect')).toEqual([
      `some nodes know no elected master: ${new URL(lost.url).host}`,
    ])
    expect(both.step('status').outcome).toBe('ok')
  }, 90_000)

  test('a node that hangs is told as hanging, one that is dead as not listening', async () => {
    node.freeze()
    try {
      const start = performance.now()
      const told = await tellerOf().tell()
      expect(performance.now() - start).toBeLessThan(6000)
      expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'timeout-reply' } }])
      expect(told.step('status').outcome).toBe('skipped')
    } finally {
      node.thaw()
    }
    await node.kill()
    expect((await tellerOf().tell()).step('connect').findings).toMatchObject([
      { severity: 'critical', evidence: { kind: 'refused' } },
    ])
  })
})

interface ThreadPools {
  readonly nodes: Readonly<
    Record<string, { readonly thread_pool: { readonly write: { readonly rejected: number } } }>
  >
}
