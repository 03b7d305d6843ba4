import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** Starts an InfluxDB 1 with an administrator. */
export function startInfluxdb(options: InfluxdbOptions = {}): Promise<Influxdb> {
  return onFreePorts(2, (port, rpc) => startOn(port, rpc, options))
}

export interface InfluxdbOptions {
  /** Lines of the section `[data]`. */
  readonly data?: readonly string[]
  /** Whether logins are needed. Default true. */
  readonly auth?: boolean
}

export interface Influxdb extends ServerProcess {
  readonly port: number
  readonly url: string
  readonly admin: { readonly user: string; readonly password: string }
  /** Runs a statement as the administrator, and gives the answer's text; throws where it says that it failed. */
  run(statement: string): Promise<string>
  /** Writes lines as the administrator, and gives the status. */
  write(database: string, ...lines: readonly string[]): Promise<number>
}

const admin = { user: 'admin', password: 'adminpw' }

async function startOn(
  port: number,
  rpc: number,
  { data = [], auth = true }: InfluxdbOptions,
): Promise<Influxdb> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const url = `http://127.0.0.1:${port}`
  const file = join(dir, 'influxdb.conf')
  await mkdir(join(dir, 'meta'))
  await writeFile(
    file,
    `
reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${dir}/meta"
[data]
  dir = "${dir}/data"
  wal-dir = "${dir}/wal"
  ${data.join('\n  ')}
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  auth-enabled = ${auth}
[monitor]
  store-enabled = false
`,
  )
  const server = stack.use(
    await startServer({
      name: 'influxd',
      command: 'influxd',
      args: ['-config', file],
      dir,
      ready: async () => (await fetch(`${url}/ping`)).status === 204,
    }),
  )
  const headers = { authorization: `Basic ${btoa(`${admin.user}:${admin.password}`)}` }
  const run = async (statement: string) => {
    const body = new URLSearchParams({ q: statement })
    const answer = await (await fetch(`${url}/query`, { method: 'POST', headers, body })).text()
    if (answer.includes('"error"')) throw new Error(answer)
    return answer
  }
  if (auth) {
    const body = new URLSearchParams({
      q: `CREATE USER ${admin.user} WITH PASSWORD '${admin.password}' WITH ALL PRIVILEGES`,
    })
    // A ping is answered a moment before users can be created.
    await until('the administrator is there', async () => {
      await (await fetch(`${url}/query`, { method: 'POST', body })).text()
      return run('SHOW DATABASES')
    })
  }
  const owned = stack.move()
  return {
    ...server,
    port,
    url,
    admin,
    run,
    write: async (database, ...lines) =>
      (
        await fetch(`${url}/write?db=${database}&precision=ms`, {
          method: 'POST',
          headers,
          body: lines.join('\n'),
        })
      ).status,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
