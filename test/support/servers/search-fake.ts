import { createServer } from 'node:http'
import { type Listening, startListening } from './listening.ts'

/** What an Elasticsearch or OpenSearch answers, by path without the query; a path that is not here gives 400. */
export type SearchAnswers = Readonly<Record<string, unknown>>

export interface SearchFake extends Listening {
  readonly url: string
  /** Method and path of each request so far. */
  readonly requests: readonly string[]
}

/** Answers for a product whose module no test distribution has, with what its documentation shows. */
export async function startSearchFake(
  product: 'elasticsearch' | 'opensearch',
  version: string,
  answers: SearchAnswers,
): Promise<SearchFake> {
  const requests: string[] = []
  const all: SearchAnswers = {
    '/_nodes/_local': {
      cluster_name: 'hz',
      nodes: { n: { version, ...(product === 'elasticsearch' && { build_flavor: 'default' }) } },
    },
    '/_cluster/health': healthOf({}),
    ...answers,
  }
  const listening = await startListening(() => ({
    server: createServer((request, response) => {
      const path = decodeURIComponent(request.url?.split('?')[0] ?? '')
      requests.push(`${request.method} ${path}`)
      const found = request.method === 'GET' || path in all ? all[path] : undefined
      const body = found ?? { error: `no handler found for uri [${path}] and method [${request.method}]` }
      response.writeHead(found === undefined ? 400 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }),
  }))
  return { ...listening, url: `http://127.0.0.1:${listening.port}`, requests }
}

/** The health of a cluster of one green node, but for these. */
export function healthOf(but: Record<string, unknown>): Record<string, unknown> {
  return {
    status: 'green',
    timed_out: false,
    number_of_nodes: 1,
    number_of_data_nodes: 1,
    active_shards: 1,
    unassigned_shards: 0,
    initializing_shards: 0,
    relocating_shards: 0,
    delayed_unassigned_shards: 0,
    number_of_pending_tasks: 0,
    task_max_waiting_in_queue_millis: 0,
    indices: {},
    ...but,
  }
}
