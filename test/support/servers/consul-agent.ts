import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debian11 } from './debian-tree.ts'
import { freePorts, onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** Starts a Consul agent that is a cluster of one server, with rights by tokens: without one nothing is to be seen. */
export function startConsulAgent(): Promise<ConsulAgent> {
  return onFreePorts(3, (...ports) => startServerAgent('s1', portsOf(ports), []))
}

/** Starts a cluster of three servers, whose agents wait for each other. */
export async function startConsulCluster(): Promise<ConsulCluster> {
  await using stack = new AsyncDisposableStack()
  const free = await freePorts(9)
  const all = [0, 3, 6].map((from) => portsOf(free.slice(from)))
  const agents = await Promise.all(
    all.map(async (ports, index) => stack.use(await startServerAgent(`s${index + 1}`, ports, all))),
  )
  await until('every server may fail', async () => {
    const health = await Promise.all(agents.map(({ ask }) => ask('GET', '/v1/operator/autopilot/health')))
    return health.every(({ body }) => JSON.parse(body).FailureTolerance === 1)
  })
  const owned = stack.move()
  return { agents, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export interface ConsulAgent extends ServerProcess {
  readonly name: string
  readonly port: number
  readonly url: string
  /** As the cluster calls this server. */
  readonly address: string
  /** May do everything, and outlives the data. */
  readonly token: string
  /** Asks its HTTP API, with this token instead of the mighty one where there is one; '' for none. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer>
  /** Makes a token with the rules of a policy, and waits until the agent knows it. */
  tokenWith(rules: string): Promise<string>
  /** Kills it, takes its data away, and starts it again. */
  restartWithoutData(): Promise<void>
}

export interface ConsulCluster extends AsyncDisposable {
  readonly agents: readonly ConsulAgent[]
}

interface Answer {
  readonly status: number
  readonly body: string
}

interface Ports {
  readonly http: number
  readonly server: number
  readonly serf: number
}

const portsOf = ([http = 0, server = 0, serf = 0]: readonly number[]): Ports => ({ http, server, serf })

const token = '4bd1a3f0-7a3c-4a2e-9d5f-0a1b2c3d4e5f'

async function startServerAgent(name: string, ports: Ports, peers: readonly Ports[]): Promise<ConsulAgent> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const data = join(dir, 'data')
  const url = `http://127.0.0.1:${ports.http}`
  const ask: ConsulAgent['ask'] = async (method, path, body, asked = token) => {
    const response = await fetch(url + path, {
      method,
      headers: asked === '' ? {} : { 'x-consul-token': asked },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
    return { status: response.status, body: await response.text() }
  }
  await mkdir(data)
  await writeFile(join(dir, 'agent.json'), JSON.stringify(settingsOf(name, data, ports, peers)))
  const server = stack.use(
    await startServer({
      name: 'consul',
      command: 'consul',
      args: ['agent', `-config-file=${join(dir, 'agent.json')}`],
      tree: await debian11(),
      dir,
      ready: async () => (await ask('GET', '/v1/acl/token/self')).status === 200,
    }),
  )
  const owned = stack.move()
  return {
    ...server,
    name,
    port: ports.http,
    url,
    address: `127.0.0.1:${ports.server}`,
    token,
    ask,
    tokenWith: (rules) => makeToken(rules, ask),
    async restartWithoutData() {
      await server.kill()
      await rm(data, { recursive: true })
      await server.restart()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Members and leaders are missed as soon as a busy machine allows. */
function settingsOf(name: string, data: string, ports: Ports, peers: readonly Ports[]) {
  return {
    node_name: name,
    data_dir: data,
    server: true,
    bootstrap_expect: Math.max(1, peers.length),
    bind_addr: '127.0.0.1',
    client_addr: '127.0.0.1',
    retry_join: peers.map(({ serf }) => `127.0.0.1:${serf}`),
    retry_interval: '200ms',
    ports: { http: ports.http, server: ports.server, serf_lan: ports.serf, serf_wan: -1, dns: -1, grpc: -1 },
    gossip_lan: {
      probe_interval: '200ms',
      probe_timeout: '100ms',
      gossip_interval: '50ms',
      suspicion_mult: 2,
    },
    performance: { raft_multiplier: 1, leave_drain_time: '1ms' },
    // One that comes back would wait for 20 s until it may vote again.
    autopilot: { cleanup_dead_servers: false },
    leave_on_terminate: false,
    disable_update_check: true,
    acl: { enabled: true, default_policy: 'deny', tokens: { master: token, agent: token } },
  }
}

async function makeToken(rules: string, ask: ConsulAgent['ask']): Promise<string> {
  const make = async (path: string, body: unknown) => {
    const made = await ask('PUT', path, body)
    if (made.status !== 200) throw new Error(`Consul made no ${path}: ${made.body}`)
    return JSON.parse(made.body)
  }
  const { ID } = await make('/v1/acl/policy', { Name: `p-${crypto.randomUUID()}`, Rules: rules })
  const { SecretID } = await make('/v1/acl/token', { Policies: [{ ID }] })
  await until('the agent knows the token', async () => {
    const self = await ask('GET', '/v1/acl/token/self?stale', undefined, SecretID)
    return self.status === 200
  })
  return SecretID
}
