import { redbeatPython } from '../servers/celery.ts'
import { debian11, debian13, otherDebians } from '../servers/debian-tree.ts'
import { searchArchive } from '../servers/elasticsearch.ts'
import { kafkaJars } from '../servers/kafka.ts'
import { securityArchive } from '../servers/search-guard.ts'

/**
 * Fetches what no Debian package brings into the cache, one after another, so that no test has to wait for it. What
 * cannot be fetched now is tried again, and told, by the test that needs it.
 */
export async function fetchServers(): Promise<void> {
  const fetches: readonly (readonly [name: string, fetch: () => Promise<string>])[] = [
    ['Kafka', kafkaJars],
    ['OpenSearch', () => searchArchive('opensearch', '2.19.1')],
    ['opensearch-security', securityArchive],
    ...['7.17.28', '8.19.0', '9.2.0'].map(
      (version) => [`Elasticsearch ${version}`, () => searchArchive('elasticsearch', version)] as const,
    ),
    ['RedBeat', redbeatPython],
    ...(otherDebians.isThere
      ? ([
          ['RabbitMQ 4, Redis 8, Valkey and MariaDB 11', debian13],
          ['Consul', debian11],
        ] as const)
      : []),
  ]
  for (const [name, fetch] of fetches) {
    try {
      await fetch()
    } catch (error) {
      console.log(`tests: ${name} could not be fetched: ${String(error).split('\n', 1)[0]}`)
    }
  }
}
