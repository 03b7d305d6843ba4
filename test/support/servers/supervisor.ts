import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'
import { callXmlRpc, type XmlRpcParameter } from './xml-rpc.ts'

/** Starts a supervisord that listens on a Unix socket and a port; ready when its state is RUNNING. */
export function startSupervisor(options: SupervisorOptions = {}): Promise<Supervisor> {
  return onFreePorts(1, (port) => startOn(port, options))
}

export interface SupervisorOptions {
  /** Its `[program:x]` and `[group:x]` sections. `%(here)s` is its directory. */
  readonly programs?: string
  /** `hz` and `hz-pw` if left out; null for a supervisord that asks nobody. */
  readonly auth?: SupervisorAuth | null
}

export interface SupervisorAuth {
  readonly user: string
  readonly password: string
}

/** `freeze` stops supervisord alone: its programs run on. */
export interface Supervisor extends ServerProcess {
  readonly socket: string
  readonly port: number
  /** Undefined, as the password is, without `auth`. */
  readonly user: string | undefined
  readonly password: string | undefined
  /** `http://` to the XML-RPC interface, without user and password. */
  readonly url: string
  readonly dir: string
  /** Calls XML-RPC over the socket, e.g. `rpc('supervisor.stopProcess', 'web')`. A fault is thrown. */
  rpc(method: string, ...parameters: readonly XmlRpcParameter[]): Promise<unknown>
}

const DEFAULT_AUTH: SupervisorAuth = { user: 'hz', password: 'hz-pw' }

async function startOn(port: number, options: SupervisorOptions): Promise<Supervisor> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const { programs = '', auth = DEFAULT_AUTH } = options
  const socket = join(dir, 's.sock')
  const rpc: Supervisor['rpc'] = (method, ...parameters) => callXmlRpc(socket, auth, method, parameters)
  await writeFile(join(dir, 'supervisord.conf'), configuration(socket, port, auth, programs))
  const server = stack.use(
    await startServer({
      name: 'supervisord',
      command: 'supervisord',
      args: ['-n', '-c', join(dir, 'supervisord.conf')],
      dir,
      ready: () => rpc('supervisor.getState'),
    }),
  )
  const owned = stack.move()
  return {
    ...server,
    freeze: () => process.kill(server.pid(), 'SIGSTOP'),
    thaw: () => process.kill(server.pid(), 'SIGCONT'),
    socket,
    port,
    user: auth?.user,
    password: auth?.password,
    url: `http://127.0.0.1:${port}/RPC2`,
    dir,
    rpc,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function configuration(socket: string, port: number, auth: SupervisorAuth | null, programs: string): string {
  const credentials = auth ? `username=${auth.user}\npassword=${auth.password}` : ''
  return `
[unix_http_server]
file=${socket}
chmod=0700
${credentials}
[inet_http_server]
port=127.0.0.1:${port}
${credentials}
[supervisord]
logfile=%(here)s/supervisord-own.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
identifier=hz-test
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${socket}
${credentials}
${programs}
`
}
