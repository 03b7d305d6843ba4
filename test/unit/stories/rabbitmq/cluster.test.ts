import { createServer } from 'node:http'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import rabbitmq from '../../../../stories/rabbitmq/index.ts'
import { type Listening, startListening } from '../../../support/servers/listening.ts'
import { teller } from '../../../support/teller.ts'
import oneNodeDown from './recorded/one-node-down.json' with { type: 'json' }
import split from './recorded/split.json' with { type: 'json' }
import twoNodesDown from './recorded/two-nodes-down.json' with { type: 'json' }

/** What a real cluster of three RabbitMQ 3.10 answered in each of these states. */
type Recorded = Readonly<Record<string, Answer | 'hang'>>

interface Answer {
  readonly status: number
  readonly body?: unknown
  /** The body, where it is more than JSON.stringify makes. */
  readonly text?: string
}

describe('a cluster of three', () => {
  const open = new AsyncDisposableStack()
  let requests: string[] = []

  afterEach(() => {
    requests = []
  })

  afterAll(() => open.disposeAsync())

  const tellerOf = async (
    recorded: Recorded,
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => {
    const { port } = open.use(await serve(recorded, requests))
    return teller(rabbitmq, { nodes: [`http://127.0.0.1:${port}`], ...withOptions }, steps)
  }

  test('a node that is down is told, and since when', async () => {
    const cluster = await tellerOf(oneNodeDown)
    expect((await cluster.tell('nodes')).summaries('nodes')).toEqual(['node n3@localhost does not run'])
    const since = Date.now() - 180_000
    cluster.samples = { nodes: { at: since, value: { 'n3@localhost': since } } }
    const told = await cluster.tell('nodes')
    expect(told.summaries('nodes')).toEqual(['node n3@localhost has not run for 3 min or longer'])
    expect(told.step('nodes').findings).toMatchObject([{ key: 'n3@localhost', severity: 'critical' }])
  })

  test('a split is told with who has lost whom', async () => {
    const told = await (await tellerOf(split)).tell('nodes')
    expect(told.step('nodes').findings.map(({ key }) => key)).toEqual(['n3@localhost', 'partition'])
    expect(told.summaries('nodes')[1]).toBe(
      'the cluster is split: n1@localhost has lost n3@localhost, n2@localhost has lost n3@localhost, n3@localhost has lost n1@localhost, n2@localhost',
    )
  })

  test('a node in maintenance is a warning', async () => {
    const nodes = [{ name: 'n1', running: true, being_drained: true }]
    const told = await (await tellerOf(nodesOf(nodes))).tell('nodes')
    expect(told.step('nodes').findings).toMatchObject([{ key: 'drained n1', severity: 'warning' }])
  })

  test('a node that hangs keeps the others from gathering figures: one problem, the rest unknown', async () => {
    const told = await (
      await tellerOf(
        { ...oneNodeDown, '/api/nodes': 'hang', '/api/queues': 'hang', '/api/overview': 'hang' },
        {},
      )
    ).tell('alarms', 'nodes', 'backlog', 'no-consumer', 'unroutable')
    expect(told.step('alarms').outcome).toBe('ok')
    expect(told.summaries('nodes')).toEqual([
      'the cluster gathers no figures: one of its nodes does not answer the others',
    ])
    for (const step of ['backlog', 'no-consumer', 'unroutable']) {
      expect(told.step(step).outcome).toBe('unknown')
      expect(told.reason(step)).toBe('the management API gathers no figures')
    }
  })

  test('a replicated queue with one member away is a warning, without a majority it cannot be used', async () => {
    const one = await (await tellerOf(oneNodeDown)).tell('quorum')
    expect(one.step('quorum').findings.map(({ severity }) => severity)).toEqual(Array(4).fill('warning'))
    expect(one.summaries('quorum')[0]).toBe('t2 has 2 of its 3 members')
    const two = await (await tellerOf(twoNodesDown)).tell('quorum')
    expect(two.step('quorum').findings.map(({ severity }) => severity)).toEqual(Array(4).fill('critical'))
    expect(two.summaries('quorum')[0]).toBe('t2 cannot be used: it has only 1 of its 3 members')
    expect(two.step('quorum').findings[0]?.evidence['away']).toBe('n3@localhost, n2@localhost')
  })

  test('an expected queue whose node is down is told to live there', async () => {
    const inVhost = (recorded: Recorded) => ({
      ...recorded,
      '/api/queues/%2F': recorded['/api/queues'] ?? 'hang',
    })
    const up = await (await tellerOf(inVhost(oneNodeDown), { expect: ['home2'] })).tell('expected-queues')
    expect(up.step('expected-queues').outcome).toBe('ok')
    const told = await (await tellerOf(inVhost(twoNodesDown), { expect: ['home2'] })).tell('expected-queues')
    expect(told.summaries('expected-queues')).toEqual([
      'the queue home2 in / is down with its node n2@localhost',
    ])
  })

  test('queues without figures are unknown, and those with figures are judged', async () => {
    const limits = { backlog: { max: 0, grace: '0s' } }
    const told = await (await tellerOf(twoNodesDown, {}, limits)).tell('backlog')
    expect(told.step('backlog').outcome).toBe('problem')
    expect(told.reason('backlog')).toContain('home2')
  })

  test('a backlog in a cluster may be met by spreading the queues, if a person says so', async () => {
    const queue = { name: 'orders', vhost: '/', messages: 20_000, consumers: 1, message_stats: [] }
    const recorded = {
      ...oneNodeDown,
      '/api/queues': { status: 200, body: [queue] },
      '/api/queues/%2F/orders': { status: 200, body: queue },
      '/api/rebalance/queues': { status: 204, body: '' },
    }
    const told = await (await tellerOf(recorded, {}, { backlog: { grace: '0s' } })).tell('backlog')
    expect(told.step('backlog').findings).toMatchObject([
      { severity: 'critical', cure: { consent: 'ask', title: { values: [2] } } },
    ])
    await told.cure('backlog/orders')
    expect(requests).toContain('POST /api/rebalance/queues')
  })

  test('different versions are told once they have lasted', async () => {
    const application = (version: string) => [{ name: 'rabbit', version }]
    const cluster = await tellerOf(
      nodesOf([
        { name: 'n1', running: true, applications: application('3.13.7') },
        { name: 'n2', running: true, applications: application('3.12.1') },
      ]),
      {},
      { version: {} },
    )
    expect((await cluster.tell('version')).step('version').outcome).toBe('ok')
    const since = Date.now() - 3_600_000
    cluster.samples = { version: { at: since, value: { versions: '3.12.1,3.13.7', since } } }
    expect((await cluster.tell('version')).summaries('version')).toEqual([
      'the nodes have been of different versions for 1 h (limit 1 h): n1 3.13.7, n2 3.12.1',
    ])
  })

  test('features that will go are told', async () => {
    const used = [{ name: 'transient_nonexcl_queues' }]
    const recorded = { ...nodesOf([]), '/api/deprecated-features/used': { status: 200, body: used } }
    const told = await (await tellerOf(recorded, {}, { version: {} })).tell('version')
    expect(told.summaries('version')).toEqual([
      'features are used that a later version will not have: transient_nonexcl_queues',
    ])
  })

  test('a broker without statistics is unknown, not without losses', async () => {
    const recorded = { ...oneNodeDown, '/api/overview': { status: 200, body: {} } }
    const told = await (await tellerOf(recorded)).tell('unroutable')
    expect(told.step('unroutable').outcome).toBe('unknown')
  })

  test('an API behind a path prefix is asked there', async () => {
    const { port } = open.use(await serve({ '/mq/api/whoami': oneNodeDown['/api/whoami'] }, requests))
    const told = await teller(rabbitmq, { nodes: [`http://127.0.0.1:${port}/mq/`] }).tell('connect')
    expect(told.step('connect').outcome).toBe('ok')
  })
})

/** From the sources of RabbitMQ 4.1 and 4.2: what is new there, and what is no longer said. */
describe('RabbitMQ 4', () => {
  const open = new AsyncDisposableStack()
  afterAll(() => open.disposeAsync())

  const node = (more: object = {}) => ({
    ...{ name: 'rabbit@mq-1', running: true, being_drained: false, uptime: 3_600_000 },
    ...{ mem_used: 1, mem_limit: 100, fd_used: 1, fd_total: 100, proc_used: 1, proc_total: 100 },
    ...{ disk_free: 100, disk_free_limit: 1 },
    ...more,
  })
  const queue = (name: string, online: readonly string[]) => ({
    ...{ name, vhost: '/', type: 'quorum', messages: 0, messages_unacknowledged: 0, consumers: 1 },
    ...{ members: ['a', 'b', 'c'], online },
  })
  const leaderless = (...names: readonly string[]) => ({
    status: 503,
    body: {
      status: 'failed',
      reason: 'Detected quorum queues without an elected leader',
      queues: names.map((name) => ({
        readable_name: `queue '${name}' in vhost '/'`,
        name,
        virtual_host: '/',
        type: 'rabbit_quorum_queue',
      })),
    },
  })
  const out = {
    status: 503,
    body: { status: 'failed', reason: 'this rabbit node is not currently available to serve' },
  }
  const leaderCheck = '/api/health/checks/quorum-queues-without-elected-leaders/all-vhosts/pattern/.*'

  const tellerOf = async (recorded: Recorded, more: object = {}) => {
    const queues = [queue('whole', ['a', 'b', 'c']), queue('poor', ['a', 'b'])]
    const { port } = open.use(
      await serve(
        {
          ...nodesOf([node()]),
          '/api/queues': { status: 200, body: queues },
          '/api/overview': { status: 200, body: { object_totals: { queues: 2 } } },
          ...recorded,
        },
        [],
      ),
    )
    return teller(rabbitmq, { nodes: [`http://127.0.0.1:${port}`], ...more })
  }

  test('a queue whose members are there and none leads is critical, one is told once', async () => {
    const well = await (await tellerOf({ [leaderCheck]: { status: 200, body: { status: 'ok' } } })).tell(
      'quorum',
    )
    expect(well.summaries('quorum')).toEqual(['poor has 2 of its 3 members'])
    const told = await (await tellerOf({ [leaderCheck]: leaderless('whole', 'poor', 'of others') })).tell(
      'quorum',
    )
    expect(told.summaries('quorum')).toEqual([
      'poor has 2 of its 3 members',
      'whole cannot be used: its members are there, but none of them leads',
    ])
    expect(told.step('quorum').findings.map(({ severity }) => severity)).toEqual(['warning', 'critical'])
  })

  test('a node that answers and does not serve is a warning, one in maintenance is told as that', async () => {
    const inService = '/api/health/checks/is-in-service'
    const well = await (await tellerOf({ [inService]: { status: 200, body: { status: 'ok' } } })).tell(
      'nodes',
    )
    expect(well.step('nodes').outcome).toBe('ok')
    const told = await (await tellerOf({ [inService]: out })).tell('nodes')
    expect(told.summaries('nodes')).toEqual([
      expect.stringMatching(
        /^the node behind 127\.0\.0\.1:\d+ answers, but says that it does not serve clients$/,
      ),
    ])
    const drained = await (
      await tellerOf({ ...nodesOf([node({ being_drained: true })]), [inService]: out })
    ).tell('nodes')
    expect(drained.summaries('nodes')).toEqual(['node rabbit@mq-1 is in maintenance and takes no clients'])
  })

  test('a member that only one of two lists calls online is not, whichever of them comes last', async () => {
    const lists = [
      [
        ['a', 'b'],
        ['a', 'b', 'c'],
      ],
      [
        ['a', 'b', 'c'],
        ['b', 'c'],
      ],
    ]
    for (const [first = [], last = []] of lists) {
      const text = JSON.stringify([queue('twice', last)])
      const body = text.replace('"online":', `"online":${JSON.stringify(first)},"online":`)
      const overview = { status: 200, body: { object_totals: { queues: 1 } } }
      const recorded = { '/api/overview': overview, '/api/queues': { status: 200, text: body } }
      const told = await (await tellerOf(recorded)).tell('quorum')
      expect(told.summaries('quorum')).toEqual(['twice has 2 of its 3 members'])
    }
  })

  test('a replicated queue is not missed while its lead moves, one that lives on one node is', async () => {
    const down = { state: 'down', node: 'rabbit@mq-1' }
    const body = [
      { ...queue('safe', ['b', 'c']), ...down },
      { name: 'home', type: 'classic', ...down },
    ]
    const recorded = { '/api/queues/%2F': { status: 200, body } }
    const told = await (await tellerOf(recorded, { expect: ['safe', 'home'] })).tell('expected-queues')
    expect(told.summaries('expected-queues')).toEqual([
      'the queue home in / is down with its node rabbit@mq-1',
    ])
  })

  test('without figures of sockets and of partitions all is said that there is', async () => {
    const told = await (await tellerOf({})).tell('nodes', 'resources')
    expect(told.step('nodes').outcome).toBe('ok')
    expect(told.step('resources').outcome).toBe('ok')
  })
})

function nodesOf(nodes: readonly object[]): Recorded {
  return {
    '/api/whoami': { status: 200, body: { name: 'hz', tags: [] } },
    '/api/nodes': { status: 200, body: nodes },
  }
}

function serve(recorded: Recorded, requests: string[]): Promise<Listening> {
  return startListening(() => ({
    server: createServer((request, response) => {
      const [path = ''] = (request.url ?? '').split('?')
      requests.push(`${request.method} ${path}`)
      const answer: Answer | 'hang' = recorded[path] ?? {
        status: 404,
        body: { error: 'Object Not Found', reason: 'Not Found' },
      }
      if (answer === 'hang') return
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(answer.text ?? (answer.body === '' ? '' : JSON.stringify(answer.body)))
    }),
  }))
}
