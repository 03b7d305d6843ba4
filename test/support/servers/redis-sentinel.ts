import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { type Redis, type RedisReply, send, startRedis } from './redis.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** Starts a master, a replica and three sentinels that notice a dead master after half a second. */
export async function startSentinel(options: SentinelOptions = {}): Promise<SentinelGroup> {
  await using stack = new AsyncDisposableStack()
  const { password, sentinelPassword, master: name = 'mymaster' } = options
  const secret = password === undefined ? {} : { password, args: ['--masterauth', password] }
  const master = stack.use(await startRedis(secret))
  const replica = stack.use(await startRedis({ ...secret, replicaOf: master }))
  // Sentinels that come before would not see the replica for ten seconds.
  await until('the master knows its replica', async () =>
    String(await master.cli('info', 'replication')).includes('state=online'),
  )
  const ports = await freePorts(3)
  const home = stack.use(await makeTempDir()).path
  const sentinels = await Promise.all(
    ports.map(async (port, index) =>
      stack.use(await startOne(join(home, `s${index}`), port, { name, master, sentinelPassword })),
    ),
  )
  await until('the sentinels agree', async () => {
    const replies = await Promise.all(sentinels.map(({ cli }) => cli('sentinel', 'ckquorum', name)))
    const facts = await Promise.all(sentinels.map(({ cli }) => cli('sentinel', 'master', name)))
    return replies.every((reply) => String(reply).startsWith('OK 3 usable')) && facts.every(knowsOneReplica)
  })
  const owned = stack.move()
  return {
    name,
    redises: [master, replica],
    sentinels,
    async master() {
      for (const { cli } of sentinels) {
        const reply = await cli('sentinel', 'get-master-addr-by-name', name).catch(() => null)
        if (Array.isArray(reply))
          return [master, replica].find(({ port }) => String(port) === reply[1]) ?? null
      }
      return null
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface SentinelOptions {
  /** Of the master and the replica. */
  readonly password?: string
  readonly sentinelPassword?: string
  /** Default `mymaster`. */
  readonly master?: string
}

export interface SentinelGroup extends AsyncDisposable {
  /** The name under which the sentinels know the master. */
  readonly name: string
  /** The first master, then its replica. */
  readonly redises: readonly [Redis, Redis]
  readonly sentinels: readonly SentinelServer[]
  /** Whom the first sentinel that answers takes for the master. */
  master(): Promise<Redis | null>
}

export interface SentinelServer extends ServerProcess {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Sends one command over a new connection. Error replies are thrown. */
  cli(...command: readonly [string, ...(string | number)[]]): Promise<RedisReply>
}

async function startOne(
  dir: string,
  port: number,
  options: { readonly name: string; readonly master: Redis; readonly sentinelPassword: string | undefined },
): Promise<SentinelServer> {
  const { name, master, sentinelPassword } = options
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'sentinel.conf')
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      ...(sentinelPassword
        ? [`requirepass ${sentinelPassword}`, `sentinel sentinel-pass ${sentinelPassword}`]
        : []),
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
      ...(master.password ? [`sentinel auth-pass ${name} ${master.password}`] : []),
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 3000`,
      `sentinel parallel-syncs ${name} 1`,
      '',
    ].join('\n'),
  )
  const cli: SentinelServer['cli'] = (...command) => send({ port: port }, sentinelPassword, command)
  const server = await startServer({
    name: 'sentinel',
    command: 'redis-sentinel',
    args: [file],
    dir,
    // It forgets these when it is started again, so they are part of its being ready.
    ready: () => cli('sentinel', 'debug', ...quick),
  })
  return { ...server, host: '127.0.0.1', port, cli }
}

/** Sentinels look at each other and at the servers each second or ten otherwise. Milliseconds. */
const quick = ['publish-period', 200, 'info-period', 500, 'ping-period', 200, 'ask-period', 200] as const

function knowsOneReplica(reply: RedisReply): boolean {
  return Array.isArray(reply) && reply[reply.indexOf('num-slaves') + 1] === '1'
}
