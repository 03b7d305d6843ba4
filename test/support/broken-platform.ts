import { mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { type Mariadb, startMariadb } from './servers/mariadb.ts'
import { type Redis, startRedis } from './servers/redis.ts'
import { type SharedRabbitmq, sharedRabbitmq } from './servers/shared-rabbitmq.ts'
import { type Supervisor, startSupervisor } from './servers/supervisor.ts'
import { until } from './servers/until.ts'

/** Starts four servers, each with one fault that people know from their platforms. */
export async function startBrokenPlatform(): Promise<BrokenPlatform> {
  await using stack = new AsyncDisposableStack()
  const [redis, supervisor, mariadb, rabbitmq] = await Promise.all([
    startRedis({ password: 'hz-pw', args: ['--save', '3600 1', '--maxmemory', '64mb'] }),
    startSupervisor({ programs: untilMended }),
    startMariadb(),
    sharedRabbitmq(),
  ])
  for (const server of [redis, supervisor, mariadb, rabbitmq]) stack.use(server)
  const held = stack.use(new AsyncDisposableStack())
  await Promise.all([refuseWrites(redis), giveUp(supervisor), fill(mariadb, held), pileUp(rabbitmq)])
  const owned = stack.move()
  return {
    redis,
    supervisor,
    config: configFor(redis, supervisor, mariadb, rabbitmq),
    async makeCurable() {
      await rmdir(join(redis.dir, 'dump.rdb'))
      await writeFile(join(supervisor.dir, 'mended'), '')
    },
    async mendTheRest() {
      await held.disposeAsync()
      await rabbitmq.api('DELETE', `/api/queues/${rabbitmq.vhost}/orders/contents`)
      await until('the queue is empty', async () => (await lengthOf(rabbitmq)) === 0)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface BrokenPlatform extends AsyncDisposable {
  readonly redis: Redis
  readonly supervisor: Supervisor
  /** The entries `cache`, `programs`, `db` and `queue`, as YAML. */
  readonly config: string
  /** Takes away what keeps the cures of Redis and Supervisor from working. */
  makeCurable(): Promise<void>
  /** Mends MySQL and RabbitMQ, as a person would. */
  mendTheRest(): Promise<void>
}

function configFor(
  redis: Redis,
  supervisor: Supervisor,
  mariadb: Mariadb,
  { vhost, managementUrl, user, password }: SharedRabbitmq,
): string {
  return `
stories:
  - { story: redis, name: cache, tags: [data], confirmAfter: 200ms, with: { url: "${redis.url}" } }
  - story: supervisor
    name: programs
    confirmAfter: 200ms
    with: { url: "http://127.0.0.1:${supervisor.port}", user: ${supervisor.user}, password: ${supervisor.password} }
  - story: mysql
    name: db
    tags: [data]
    confirmAfter: 200ms
    with: { url: "mysql://spare:hz-pw@127.0.0.1:${mariadb.port}" }
    steps: { lock-wait: off, long-trx: off, auto-increment: off, table-size: off, replica-threads: off }
  - story: rabbitmq
    name: queue
    confirmAfter: 200ms
    with: { nodes: ["${managementUrl}"], user: ${user}, password: ${password}, vhosts: [${vhost}] }
    steps: { backlog: { max: 100, grace: 0s } }
`
}

/** A snapshot cannot be saved where a directory has its name, not even by root. */
async function refuseWrites(redis: Redis): Promise<void> {
  await mkdir(join(redis.dir, 'dump.rdb'))
  await redis.cli('set', 'a', 1)
  await redis.cli('bgsave')
  await until('the snapshot failed', async () =>
    String(await redis.cli('info', 'persistence')).includes('rdb_last_bgsave_status:err'),
  )
}

/** Ends at once until the file is there. */
const untilMended = `
[program:worker]
command=/bin/sh -c "test -e %(here)s/mended && exec sleep 3600; echo no licence >&2; exit 3"
startretries=0
`

async function giveUp(supervisor: Supervisor): Promise<void> {
  await until('the program is given up', async () => (await stateOf(supervisor)) === 'FATAL')
}

/** The state of the program, in supervisord's word. */
export async function stateOf(supervisor: Supervisor): Promise<unknown> {
  const told = await supervisor.rpc('supervisor.getProcessInfo', 'worker')
  return typeof told === 'object' && told !== null && 'statename' in told ? told.statename : null
}

async function fill(mariadb: Mariadb, held: AsyncDisposableStack): Promise<void> {
  await mariadb.query(`
    create user spare@'127.0.0.1' identified by 'hz-pw';
    grant process, replication client, slave monitor, connection admin on *.* to spare@'127.0.0.1';
    set global max_connections = 10`)
  const { host, port, user, password } = mariadb
  for (let i = 0; i < 10; i++) {
    const connection = await createConnection({ host, port, user, password })
    held.defer(() => connection.end())
  }
}

async function pileUp(rabbitmq: SharedRabbitmq): Promise<void> {
  await rabbitmq.api('PUT', `/api/queues/${rabbitmq.vhost}/orders`, { durable: true })
  const message = { properties: {}, routing_key: 'orders', payload: 'x', payload_encoding: 'string' }
  const publish = () => rabbitmq.api('POST', `/api/exchanges/${rabbitmq.vhost}/amq.default/publish`, message)
  await Promise.all(Array.from({ length: 120 }, publish))
  await until('the broker counts them', async () => (await lengthOf(rabbitmq)) === 120)
}

/** By the list of queues, which may come to know later than the answer about one. */
async function lengthOf({ api, vhost }: SharedRabbitmq): Promise<number | undefined> {
  const queues = (await api('GET', `/api/queues/${vhost}`)) as readonly { readonly messages?: number }[]
  return queues[0]?.messages
}
