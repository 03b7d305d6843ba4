import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { asRootUser, copyDatadir } from './mariadb-datadir.ts'
import { onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** Starts a MariaDB with a binary log; a replica is ready when both of its threads run. */
export function startMariadb(options: MariadbOptions = {}): Promise<Mariadb> {
  return onFreePorts(1, (port) => startOn(port, options))
}

export interface MariadbOptions {
  readonly replicaOf?: Pick<Mariadb, 'port'>
  /** More arguments of mariadbd; they win over those of the harness. */
  readonly args?: readonly string[]
  /** A server of another version: a `debianTree` that has one. */
  readonly tree?: string
}

export interface Mariadb extends ServerProcess {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly socket: string
  /** May see all processes and the state of replication, and nothing else. */
  readonly user: 'hz'
  readonly password: string
  /** `mysql://` for the monitoring user. */
  readonly url: string
  /** Runs one or more statements as root over the socket; gives the rows of the last one that has rows. */
  query(sql: string): Promise<readonly Row[]>
}

export type Row = Readonly<Record<string, unknown>>

const PASSWORD = 'hz-pw'

async function startOn(port: number, { replicaOf, args = [], tree }: MariadbOptions): Promise<Mariadb> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const socket = join(dir, 'mariadb.sock')
  const query: Mariadb['query'] = (sql) => queryAsRoot(socket, sql)
  await copyDatadir(join(dir, 'data'), tree)
  const server = stack.use(
    await startServer({
      name: 'mariadb',
      command: 'mariadbd',
      args: [
        ...[
          '--no-defaults',
          ...asRootUser(),
          `--datadir=${dir}/data`,
          `--tmpdir=${dir}`,
          `--socket=${socket}`,
        ],
        ...[`--pid-file=${dir}/pid`, `--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
        ...['--innodb-buffer-pool-size=16M', '--innodb-log-file-size=4M', '--key-buffer-size=1M'],
        ...['--aria-pagecache-buffer-size=2M', '--table-open-cache=64', '--max-connections=50'],
        ...['--innodb-flush-log-at-trx-commit=0', '--performance-schema=OFF'],
        ...[
          `--server-id=${port}`,
          `--log-bin=${dir}/bin`,
          `--relay-log=${dir}/relay`,
          '--slave-net-timeout=4',
        ],
        ...args,
      ],
      tree,
      dir,
      ready: () => query('select 1 as one'),
    }),
  )
  await query(USERS)
  if (replicaOf) await replicate(query, replicaOf.port)
  const owned = stack.move()
  return {
    ...server,
    host: '127.0.0.1',
    port,
    socket,
    user: 'hz',
    password: PASSWORD,
    url: `mysql://hz:${PASSWORD}@127.0.0.1:${port}`,
    query,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Kept out of the binary log: a replica makes its own users, and would stop at a user that exists. */
const USERS = `
  set sql_log_bin = 0;
  create user hz@'127.0.0.1' identified by '${PASSWORD}';
  grant process, replication client, slave monitor on *.* to hz@'127.0.0.1';
  create user repl@'127.0.0.1' identified by 'repl-pw';
  grant replication slave on *.* to repl@'127.0.0.1'`

async function replicate(query: Mariadb['query'], masterPort: number): Promise<void> {
  await query(`
    change master to master_host='127.0.0.1', master_port=${masterPort}, master_user='repl',
      master_password='repl-pw', master_connect_retry=1, master_use_gtid=slave_pos;
    start slave`)
  await until('both replication threads run', async () => {
    const [status] = await query('show slave status')
    return status?.['Slave_IO_Running'] === 'Yes' && status['Slave_SQL_Running'] === 'Yes'
  })
}

async function queryAsRoot(socketPath: string, sql: string): Promise<readonly Row[]> {
  const connection = await createConnection({
    socketPath,
    user: 'root',
    multipleStatements: true,
    connectTimeout: 5000,
  })
  try {
    const [result] = await connection.query({ sql, timeout: 10_000 })
    return lastRows(result)
  } finally {
    connection.destroy()
  }
}

/** One statement gives its rows or a header, several give a list of these. */
function lastRows(result: unknown): readonly Row[] {
  if (!Array.isArray(result)) return []
  // mysql2 makes rows plain objects, which is what both casts say.
  const results: readonly unknown[] = result
  if (!results.some((each) => Array.isArray(each) || isHeader(each))) return results as readonly Row[]
  return (results.findLast((each) => Array.isArray(each)) ?? []) as readonly Row[]
}

function isHeader(value: unknown): boolean {
  return value?.constructor?.name === 'ResultSetHeader'
}
