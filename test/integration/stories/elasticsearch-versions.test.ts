import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import elasticsearch from '../../../stories/elasticsearch/index.ts'
import { describeWith } from '../../support/needs.ts'
import { java21, startElasticsearch } from '../../support/servers/elasticsearch.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['java'], 'Elasticsearch', () => {
  testVersion('7.17.28')

  describeWith([java21], 'the newest', () => testVersion('9.2.0'))

  test('8.19.0 as it is installed speaks TLS and wants a login: each fault is told as such', async () => {
    await using node = await startElasticsearch({
      product: 'elasticsearch',
      version: '8.19.0',
      asInstalled: true,
    })
    const https = node.url.replace('http:', 'https:')
    const saidOf = async (withOptions: object) => {
      const told = await teller(elasticsearch, withOptions).tell()
      expect(told.step('status').outcome).toBe('skipped')
      const [finding] = told.step('connect').findings
      return [finding?.evidence['kind'], ...told.summaries('connect')]
    }
    const address = new URL(https).host
    expect(await saidOf({ nodes: [node.url] })).toEqual([
      'protocol',
      `${new URL(node.url).host} speaks another protocol: it speaks TLS`,
    ])
    expect(await saidOf({ nodes: [https] })).toEqual([
      'tls-untrusted',
      `the certificate of ${address} is not trusted`,
    ])
    const ca = await readFile(node.caFile, 'utf8')
    expect(await saidOf({ nodes: [https], ca })).toEqual([
      'auth-missing',
      `${address} wants a password and none is configured`,
    ])
  }, 90_000)
})

function testVersion(version: string): void {
  test(`${version}: healthy it is fine, and missing data, a block and the disk are told`, async () => {
    await using node = await startElasticsearch({ product: 'elasticsearch', version })
    const watched = teller(
      elasticsearch,
      { nodes: [node.url], repositories: ['backup'] },
      {
        heap: { warnPct: 100 },
      },
    )
    await node.api('PUT', '/shop', { settings: { number_of_replicas: 0 } })
    await node.api('PUT', '/_snapshot/backup', { type: 'fs', settings: { location: node.backupDir } })
    await node.api('PUT', '/_snapshot/backup/first?wait_for_completion=true', { indices: 'shop' })
    const told = await watched.tell()
    const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(outcomes.filter((outcome) => !outcome.endsWith(' ok'))).toEqual([
      'ilm unknown',
      ...(version.startsWith('7.') ? ['health-report unknown'] : []),
    ])
    expect(outcomes).toHaveLength(13)
    expect(told.step('connect').notes).toContainEqual({
      template: '{0} {1}',
      values: ['Elasticsearch', version],
    })

    await node.api('PUT', '/red?wait_for_active_shards=0', {
      settings: { number_of_replicas: 0, 'index.routing.allocation.require._name': 'nobody' },
    })
    await node.api('PUT', '/shop/_settings', { 'index.blocks.read_only_allow_delete': true })
    await node.api('PUT', '/_cluster/settings', {
      persistent: { 'cluster.routing.allocation.disk.watermark.low': '1%' },
    })
    const bad = await watched.tell('status', 'shards', 'read-only', 'disk')
    expect(bad.summaries('status')).toEqual(['the cluster is red: data of 1 index is missing'])
    expect(bad.summaries('shards')[0]).toMatch(
      /^no node holds 1 shard of red; red\[0\]: filter: node does not/,
    )
    expect(bad.summaries('disk')[0]).toContain('past the low watermark (1%)')
    await bad.cure('read-only/flood')

    await node.api('DELETE', '/red')
    await node.api('PUT', '/_cluster/settings', {
      persistent: { 'cluster.routing.allocation.disk.watermark.low': null },
    })
    await until('all is well again', async () => {
      const told = await watched.tell('status', 'shards', 'read-only', 'disk')
      return Object.values(told.steps).every(({ outcome }) => outcome === 'ok')
    })
  }, 120_000)
}
