import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { canConnect, onFreePorts } from './ports.ts'
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
}

export interface Rabbitmq extends ServerProcess, RabbitmqClient {}

async function startOn(ports: readonly number[], { conf = '' }: RabbitmqOptions): Promise<Rabbitmq> {
  const [port = 0, managementPort = 0, distPort = 0, epmdPort = 0] = ports
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const at: RabbitmqCoordinates = {
    port,
    managementPort,
    user: 'hz',
    password: 'hz-pw',
    nodeName: `hz${port}@localhost`,
    env: environment(dir, `hz${port}@localhost`, distPort, epmdPort),
  }
  await mkdir(join(dir, 'home'))
  await writeFile(join(dir, 'enabled_plugins'), '[rabbitmq_management].\n')
  await writeFile(join(dir, 'rabbitmq.conf'), `${configuration(at)}${conf}\n`)
  stack.use(await startEpmd(dir, epmdPort))
  const client = rabbitmqClient(at)
  const server = stack.use(
    await startServer({
      name: 'rabbitmq',
      command: 'rabbitmq-server',
      args: [],
      dir,
      env: at.env,
      ready: () => client.api('GET', '/api/health/checks/virtual-hosts'),
      deadline: 45_000,
    }),
  )
  const owned = stack.move()
  return { ...client, ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Left to itself, Erlang starts an epmd that outlives the test. */
function startEpmd(dir: string, port: number): Promise<ServerProcess> {
  return startServer({
    name: 'epmd',
    command: 'epmd',
    args: ['-address', '127.0.0.1', '-port', `${port}`],
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
