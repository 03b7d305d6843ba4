import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { canConnect, freePort, onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { SEARCHED } from './programs.ts'
import { type RabbitmqClient, type RabbitmqCoordinates, rabbitmqClient } from './rabbitmq-client.ts'
import { makeTempDir } from './temp-dir.ts'

/**
 * Starts a RabbitMQ with its management plug-in, in 4 to 6 s. A test that does not freeze, kill or alarm it takes
 * `sharedRabbitmq` instead.
 */
export function startRabbitmq(options: RabbitmqOptions = {}): Promise<Rabbitmq> {
  return onFreePorts(4, (...ports) => startOn(ports, options))
}

export interface RabbitmqOptions {
  /** More lines of rabbitmq.conf; they win over those of the harness. */
  readonly conf?: string
  /** With the plug-in rabbitmq_prometheus, at `metricsUrl`. */
  readonly metrics?: boolean
  /** The tree of another Debian (`debianTree`), whose version it is. */
  readonly tree?: string | undefined
}

export interface Rabbitmq extends ServerProcess, RabbitmqClient {
  /** Where its page of metrics is; empty without `metrics`. */
  readonly metricsUrl: string
}

/** Starts three nodes of one cluster, in about twice the time of one. Only their sessions end them: kill no epmd. */
export async function startRabbitmqCluster({
  tree,
}: Pick<RabbitmqOptions, 'tree'> = {}): Promise<RabbitmqCluster> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const epmdPort = await onFreePorts(1, async (port) => {
    stack.use(await startEpmd(dir, port, tree))
    return port
  })
  const cookie = randomBytes(10).toString('hex')
  const start = async (joins: string | null) =>
    stack.use(
      await onFreePorts(3, (port, management, dist) =>
        startNode([port, management, dist, epmdPort], {
          conf: joins === null ? '' : joining(joins),
          cookie,
          tree,
        }),
      ),
    )
  const first = await start(null)
  const [second, third] = await Promise.all([start(first.nodeName), start(first.nodeName)])
  const owned = stack.move()
  return { nodes: [first, second, third], [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export interface RabbitmqCluster extends AsyncDisposable {
  readonly nodes: readonly [Rabbitmq, Rabbitmq, Rabbitmq]
}

const joining = (node: string) => `
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = ${node}
`

async function startOn(ports: readonly number[], options: RabbitmqOptions): Promise<Rabbitmq> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  stack.use(await startEpmd(dir, ports[3] ?? 0, options.tree))
  const node = stack.use(await startNode(ports, options))
  const owned = stack.move()
  return { ...node, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A node whose epmd runs. Nodes of one cluster have one cookie. */
async function startNode(
  ports: readonly number[],
  { conf = '', metrics = false, tree, cookie }: RabbitmqOptions & { readonly cookie?: string },
): Promise<Rabbitmq> {
  const [port = 0, managementPort = 0, distPort = 0, epmdPort = 0] = ports
  const metricsPort = metrics ? await freePort() : 0
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const at: RabbitmqCoordinates = {
    port,
    managementPort,
    user: 'hz',
    password: 'hz-pw',
    nodeName: `hz${port}@localhost`,
    env: environment(dir, `hz${port}@localhost`, distPort, epmdPort),
    tree,
  }
  await mkdir(join(dir, 'home'))
  if (cookie !== undefined) await writeFile(join(dir, 'home/.erlang.cookie'), cookie, { mode: 0o400 })
  const plugins = ['rabbitmq_management', ...(metrics ? ['rabbitmq_prometheus'] : [])]
  await writeFile(join(dir, 'enabled_plugins'), `[${plugins}].\n`)
  const scraped = metrics ? `prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = ${metricsPort}\n` : ''
  await writeFile(join(dir, 'rabbitmq.conf'), `${configuration(at)}${scraped}${conf}\n`)
  const client = rabbitmqClient(at)
  const server = stack.use(
    await startServer({
      name: 'rabbitmq',
      command: 'rabbitmq-server',
      args: [],
      tree,
      dir,
      env: at.env,
      ready: () => client.api('GET', '/api/health/checks/virtual-hosts'),
      deadline: 45_000,
    }),
  )
  const owned = stack.move()
  return {
    ...client,
    ...server,
    metricsUrl: metrics ? `http://127.0.0.1:${metricsPort}` : '',
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Left to itself, Erlang starts an epmd that outlives the test. */
function startEpmd(dir: string, port: number, tree: string | undefined): Promise<ServerProcess> {
  return startServer({
    name: 'epmd',
    command: 'epmd',
    args: ['-address', '127.0.0.1', '-port', `${port}`],
    tree,
    dir,
    ready: () => canConnect(port),
  })
}

/** The statistics settings bring a queue's length into the API after about 1 s instead of 5 s. */
function configuration({ port, managementPort, user, password }: RabbitmqCoordinates): string {
  return `
listeners.tcp.default = 127.0.0.1:${port}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${managementPort}
collect_statistics_interval = 250
management.sample_retention_policies.global.minute = 1
management.sample_retention_policies.basic.minute = 1
management.sample_retention_policies.detailed.10 = 1
default_user = ${user}
default_pass = ${password}
loopback_users = none
disk_free_limit.absolute = 50MB
`
}

function environment(
  dir: string,
  nodeName: string,
  distPort: number,
  epmdPort: number,
): Readonly<Record<string, string>> {
  return {
    PATH: SEARCHED.join(delimiter),
    LANG: 'C.UTF-8',
    HOME: join(dir, 'home'),
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: nodeName,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_MNESIA_DIR: join(dir, 'mnesia/node'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, 'conf'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    // Together these make the start script replace itself, so that the process id is that of Erlang.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_START_ARGS: '-noinput',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
  }
}
