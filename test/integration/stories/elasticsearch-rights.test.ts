import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import elasticsearch from '../../../stories/elasticsearch/index.ts'
import { describeWith } from '../../support/needs.ts'
import {
  type Elasticsearch,
  type ElasticsearchOptions,
  startElasticsearch,
} from '../../support/servers/elasticsearch.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

/** Who watches has the rights of the guide; the others have none, or only those on the cluster or some indices. */
const users = { watch: 'healthz', nobody: null, partly: 'partly', outside: 'outside' }

const ofElasticsearch = `
healthz:
  cluster: [monitor, read_ilm, monitor_snapshot, read_slm]
  indices:
    - names: ['*']
      privileges: [view_index_metadata]
      allow_restricted_indices: true
partly:
  cluster: [monitor]
  indices:
    - names: ['shop*']
      privileges: [view_index_metadata]
outside:
  cluster: [monitor]
`

const ofOpensearch = `
healthz:
  cluster_permissions:
    - cluster_monitor
    - cluster:admin/snapshot/get
    - cluster:admin/opensearch/snapshot_management/policy/explain
    - cluster:admin/opendistro/ism/managedindex/explain
  index_permissions:
    - index_patterns: ['*']
      allowed_actions: ['indices:monitor/settings/get', 'indices:admin/aliases/get']
partly:
  cluster_permissions: [cluster_monitor]
  index_permissions:
    - index_patterns: ['shop*']
      allowed_actions: ['indices:monitor/settings/get', 'indices:admin/aliases/get']
outside:
  cluster_permissions: [cluster_monitor]
`

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

const guarded = (roles: string) => ({ password: marker, roles, users })

describeWith(['java', 'openssl'], 'the rights', () => {
  const products: readonly (ElasticsearchOptions & { readonly healthReport: 'ok' | 'unknown' })[] = [
    {
      product: 'elasticsearch',
      version: '8.19.0',
      guarded: guarded(ofElasticsearch),
      healthReport: 'ok',
    },
    { product: 'opensearch', version: '2.19.1', guarded: guarded(ofOpensearch), healthReport: 'unknown' },
  ]
  let nodes: readonly Elasticsearch[] = []

  beforeAll(async () => {
    nodes = await Promise.all(products.map(startElasticsearch))
    for (const node of nodes) {
      await node.api('PUT', '/shop-1', { settings: { number_of_replicas: 0 }, aliases: { shop: {} } })
      await node.api('PUT', '/orders-1', { settings: { number_of_replicas: 0 }, aliases: { orders: {} } })
      await node.api('PUT', '/_snapshot/backup', { type: 'fs', settings: { location: node.backupDir } })
      await node.api('PUT', '/_snapshot/backup/first?wait_for_completion=true', { indices: 'shop-1' })
    }
  }, 120_000)

  afterAll(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
  })

  const steps = { repositories: ['backup'], expectAliases: ['shop', 'orders'] }

  test('the guide documents the very rights that are tested here', () => {
    const documented = linesOf(elasticsearch.guide?.rights ?? '')
    for (const roles of [ofElasticsearch, ofOpensearch])
      expect(documented).toEqual(expect.arrayContaining(linesOf(roles.slice(0, roles.indexOf('partly:')))))
  })

  test.each(products.map(({ product, healthReport }, at) => [product, at, healthReport] as const))(
    '%s: the documented rights are enough for every step',
    async (_product, at, healthReport) => {
      const told = await tellerOf(at, { user: 'watch', ...steps }).tell()
      const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
      expect(outcomes.filter((outcome) => !outcome.endsWith(' ok'))).toEqual([
        'ilm unknown',
        ...(healthReport === 'ok' ? [] : ['health-report unknown']),
      ])
      expect(outcomes).toHaveLength(14)
      // The test distribution has no lifecycle management; a missing right would be told as such.
      expect(told.reason('ilm')).toMatch(/has no index (lifecycle|state) management/)
    },
  )

  test.each(products.map(({ product }, at) => [product, at] as const))(
    '%s: a user without any right is told what it lacks, and nothing is ok',
    async (product, at) => {
      const told = await tellerOf(at, { user: 'nobody' }).tell()
      expect(told.step('connect').outcome).toBe('unknown')
      expect(told.reason('connect')).toContain(
        product === 'opensearch'
          ? 'the user nobody lacks the permission cluster:monitor/nodes/info'
          : 'the user nobody lacks the cluster privilege monitor',
      )
      expect(told.step('status').outcome).toBe('skipped')
    },
  )

  test.each(products.map(({ product }, at) => [product, at] as const))(
    '%s: what only some indices allow is unknown, never ok',
    async (product, at) => {
      const told = await tellerOf(at, { user: 'partly', ...steps }).tell('read-only', 'alias', 'status')
      expect(told.step('status').outcome).toBe('ok')
      for (const step of ['read-only', 'alias']) {
        expect(told.step(step)).toMatchObject({ step, outcome: 'unknown', findings: [] })
        expect(told.reason(step)).toMatch(
          product === 'opensearch'
            ? /lacks the permission indices:/
            : /the user partly may not see 1 index; grant it view_index_metadata/,
        )
      }
    },
  )

  test.each(products.map(({ product }, at) => [product, at] as const))(
    '%s: a right missing on all indices or for snapshots is named',
    async (product, at) => {
      const told = await tellerOf(at, { user: 'outside', ...steps }).tell('read-only', 'alias', 'snapshot')
      const reasons = ['read-only', 'alias', 'snapshot'].map((step) => told.reason(step))
      expect(reasons).toEqual(
        product === 'opensearch'
          ? [
              'the user outside lacks the permission indices:monitor/settings/get',
              'the user outside lacks the permission indices:admin/aliases/get',
              'the user outside lacks the permission cluster:admin/snapshot/get',
            ]
          : [
              'the user outside lacks the index privilege monitor',
              'the user outside lacks the index privilege view_index_metadata',
              'the user outside lacks the cluster privilege monitor_snapshot',
            ],
      )
    },
  )

  test.each(products.map(({ product }, at) => [product, at] as const))(
    '%s: a cure without its right says what is missing',
    async (product, at) => {
      await nodes[at]?.api('PUT', '/shop-1/_settings', { 'index.blocks.read_only_allow_delete': true })
      try {
        const told = await tellerOf(at, { user: 'watch' }).tell('read-only')
        expect(told.step('read-only').findings).toMatchObject([{ key: 'flood' }])
        await expect(told.cure('read-only/flood')).rejects.toMatchObject({
          reason: {
            values: [
              { values: ['watch'] },
              ...(product === 'opensearch' ? ['indices:admin/settings/update'] : ['index', 'manage']),
            ],
          },
        })
      } finally {
        await nodes[at]?.api('PUT', '/shop-1/_settings', { 'index.blocks.read_only_allow_delete': null })
      }
    },
  )

  test.each(
    products.flatMap(({ product }, at) => [
      [product, at, { user: 'watch', password: `${marker}x` }, 'refuses the login: login as the user watch'],
      [product, at, { password: undefined }, 'wants a password and none is configured'],
      [product, at, { apiKey: marker }, 'refuses the login: login as the API key'],
    ]) as readonly (readonly [string, number, Record<string, unknown>, string])[],
  )(
    '%s %i: a login with %o is a problem that says why, and shows no password',
    async (_, at, login, words) => {
      const watched = tellerOf(at, login)
      const told = await watched.tell()
      expect(told.summaries('connect').join()).toContain(words)
      expect(told.step('status').outcome).toBe('skipped')
      const options = elasticsearch.options.parse({ nodes: ['http://x:1'], ...login })
      for (const printed of [
        JSON.stringify(told),
        inspect(told, { depth: 20 }),
        inspect(options, { depth: 9 }),
      ])
        expect(printed).not.toContain(marker)
    },
  )

  test('the health report of Elasticsearch is told with its own words and advice', async () => {
    const [node] = nodes
    await node?.api('PUT', '/shop-1/_settings', { 'index.blocks.read_only_allow_delete': true })
    try {
      const told = await tellerOf(0, { user: 'watch' }, { 'health-report': { ignore: [] } }).tell(
        'health-report',
      )
      expect(told.step('health-report').findings).toMatchObject([{ key: 'disk', severity: 'critical' }])
      expect(told.summaries('health-report')[0]).toMatch(
        /^Elasticsearch finds disk red: 1 index is not allowed to be updated/,
      )
      // By default the step "disk" tells of it.
      const usual = await tellerOf(0, { user: 'watch' }).tell('health-report')
      expect(usual.step('health-report').outcome).toBe('ok')
    } finally {
      await node?.api('PUT', '/shop-1/_settings', { 'index.blocks.read_only_allow_delete': null })
    }
  })

  function tellerOf(
    at: number,
    withOptions: Record<string, unknown>,
    limits: Record<string, Record<string, unknown>> = {},
  ) {
    return teller(elasticsearch, { nodes: [nodes[at]?.url], password: marker, ...withOptions }, limits)
  }
})
