import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis as Client } from 'ioredis'
import type { Certificate } from './certificates.ts'
import { onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'

/** Starts a Redis that keeps nothing on disk and allows DEBUG; a replica is ready when its link is up. */
export function startRedis(options: RedisOptions = {}): Promise<Redis> {
  return onFreePorts(2, (port, tlsPort) => startOn(port, tlsPort, options))
}

export interface RedisOptions {
  readonly password?: string
  readonly replicaOf?: Pick<Redis, 'port' | 'password'>
  /** More arguments of redis-server; they win over those of the harness. */
  readonly args?: readonly string[]
  /** Its data directory, which stays when the server goes; its own if left out. */
  readonly dir?: string
  /** A server of another version: `redis-server` or `valkey-server` of a `debianTree`. */
  readonly other?: { readonly tree: string; readonly command: string }
  /** Listens with TLS too, on `tlsPort`. */
  readonly tls?: Certificate
}

export interface Redis extends ServerProcess {
  readonly host: '127.0.0.1'
  readonly port: number
  /** `redis://`, with the password if there is one. */
  readonly url: string
  readonly password: string | undefined
  /** 0 without `tls`. */
  readonly tlsPort: number
  /** The data directory. */
  readonly dir: string
  /** Sends one command over a new connection to the Unix socket. Error replies are thrown. */
  cli(...command: readonly [string, ...(string | number)[]]): Promise<RedisReply>
}

export type RedisReply = string | number | null | readonly RedisReply[]

async function startOn(port: number, tlsPort: number, options: RedisOptions): Promise<Redis> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await makeTempDir()).path
  const { password, replicaOf, tls, dir = join(home, 'data') } = options
  const socket = join(home, 'redis.sock')
  const cli: Redis['cli'] = (...command) => send({ path: socket }, password, command)
  await mkdir(dir, { recursive: true })
  const server = stack.use(
    await startServer({
      name: 'redis',
      command: 'redis-server',
      ...options.other,
      args: [
        ...['--bind', '127.0.0.1', '--port', `${port}`, '--unixsocket', socket, '--dir', dir],
        ...['--save', '', '--appendonly', 'no', '--enable-debug-command', 'local'],
        // A master waits 5 s for more replicas before it synchronises the first, unless told not to.
        ...['--repl-diskless-sync-delay', '0'],
        ...(password ? ['--requirepass', password] : []),
        ...(replicaOf ? replicaArgs(replicaOf) : []),
        ...(tls ? tlsArgs(tlsPort, tls) : []),
        ...(options.args ?? []),
      ],
      dir: home,
      ready: () => (replicaOf ? isLinked(cli) : cli('ping')),
    }),
  )
  const owned = stack.move()
  return {
    ...server,
    host: '127.0.0.1',
    port,
    url: `redis://${password ? `:${encodeURIComponent(password)}@` : ''}127.0.0.1:${port}`,
    password,
    tlsPort: tls ? tlsPort : 0,
    dir,
    cli,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function replicaArgs({ port, password }: Pick<Redis, 'port' | 'password'>): readonly string[] {
  return ['--replicaof', `127.0.0.1 ${port}`, ...(password ? ['--masterauth', password] : [])]
}

function tlsArgs(port: number, { certFile, keyFile }: Certificate): readonly string[] {
  return [
    '--tls-port',
    `${port}`,
    '--tls-cert-file',
    certFile,
    '--tls-key-file',
    keyFile,
    '--tls-auth-clients',
    'no',
  ]
}

async function isLinked(cli: Redis['cli']): Promise<boolean> {
  return String(await cli('info', 'replication')).includes('master_link_status:up')
}

/** Sends one command over a new connection, and ends it. Error replies are thrown. */
export async function send(
  where: { readonly path: string } | { readonly port: number },
  password: string | undefined,
  [name, ...args]: readonly [string, ...(string | number)[]],
): Promise<RedisReply> {
  const client = new Client({
    ...where,
    ...(password ? { password } : {}),
    protocol: 2,
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: null,
    commandTimeout: 5000,
  })
  const failures: Error[] = []
  client.on('error', (error) => failures.push(error))
  try {
    // In protocol 2 a reply is nothing else than what RedisReply says.
    return (await client.call(name, ...args)) as RedisReply
  } catch (error) {
    throw failures[0] ?? error
  } finally {
    client.disconnect()
  }
}
