import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { OWN_WORLD, WRITABLE_GROUPS } from './namespaces.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir, runDir } from './temp-dir.ts'
import { until } from './until.ts'

/**
 * Starts a dockerd that has nothing to do with one of the machine: its own directories, and namespaces without a
 * network. Its first process is dockerd, so the kernel ends containerd, the containers and all mounts with it.
 */
export async function startDockerEngine(): Promise<DockerEngine> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  // Else only root could reach the socket.
  for (const path of [dir, runDir()]) if (path !== undefined) await chmod(path, 0o711)
  const [socket, shared, config] = [join(dir, 'd.sock'), join(dir, 'shared'), join(dir, 'daemon.json')]
  const groups = `/${basename(dir)}`
  await mkdir(shared)
  await writeFile(config, JSON.stringify(configuration(dir, socket, groups)))
  stack.defer(() => removeGroups(groups))
  const ask = (method: string, path: string, body?: unknown) => call(socket, method, path, body)
  const server = stack.use(
    await startServer({
      name: 'dockerd',
      command: 'unshare',
      args: [...OWN_WORLD, SCRIPT, 'sh', config],
      dir,
      ready: () => ask('GET', '/version'),
    }),
  )
  const end = () => endWorld(server)
  stack.defer(end)
  await ask('POST', `/images/create?fromSrc=-&repo=${IMAGE}`, EMPTY_TAR)
  const owned = stack.move()
  return {
    ...server,
    pid() {
      const pid = childOf(server.pid())
      if (pid === null) throw new Error('dockerd does not run')
      return pid
    },
    kill: end,
    async restart() {
      await end()
      await server.restart()
    },
    socket,
    shared,
    ask,
    async run(name, command, settings = {}) {
      await ask('POST', `/containers/create?name=${name}`, container(command, shared, settings))
      await ask('POST', `/containers/${name}/start`)
    },
    async create(name, command) {
      await ask('POST', `/containers/create?name=${name}`, container(command, shared, {}))
    },
    state: async (name) => JSON.parse(await ask('GET', `/containers/${name}/json`)).State,
    async clear() {
      const all: { readonly Id: string }[] = JSON.parse(await ask('GET', '/containers/json?all=1'))
      await Promise.all(all.map(({ Id }) => ask('DELETE', `/containers/${Id}?force=1`)))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** `freeze` stops dockerd alone: containerd and the containers run on. */
export interface DockerEngine extends ServerProcess {
  readonly socket: string
  /** A directory that every container has as `/shared`. */
  readonly shared: string
  /** Calls the engine's API and gives the body of its answer; throws, with what it says, if it refuses. */
  ask(method: string, path: string, body?: unknown): Promise<string>
  /** Makes a container and starts it. It has the programs of this machine, and nothing else. Throws if it cannot. */
  run(name: string, command: readonly string[], settings?: ContainerSettings): Promise<void>
  create(name: string, command: readonly string[]): Promise<void>
  state(name: string): Promise<ContainerState>
  /** Removes all containers. */
  clear(): Promise<void>
}

export interface ContainerSettings {
  /** The restart policy, `no` if left out. */
  readonly policy?: 'always' | 'unless-stopped' | 'on-failure'
  /** How often the policy `on-failure` tries. */
  readonly tries?: number
  /** Bytes. */
  readonly memory?: number
  /** A shell command, run every 100 ms; the first failure counts. */
  readonly health?: string
  /** Milliseconds after the start in which failures of the health check do not count. */
  readonly healthGrace?: number
}

export interface ContainerState {
  readonly Status: string
  readonly StartedAt: string
  readonly Health?: { readonly Status: string; readonly FailingStreak: number }
}

const configuration = (dir: string, socket: string, groups: string) => ({
  hosts: [`unix://${socket}`],
  'data-root': join(dir, 'data'),
  'exec-root': '/run/docker',
  pidfile: '/run/docker.pid',
  'cgroup-parent': groups,
  'storage-driver': 'vfs',
  'exec-opts': ['native.cgroupdriver=cgroupfs'],
  bridge: 'none',
  iptables: false,
  ip6tables: false,
  'ip-forward': false,
})

/** containerd keeps sockets in /run/containerd, whatever it is told. The queue of the socket is short, to be filled. */
const SCRIPT = `mount -t tmpfs tmpfs /run || exit
${WRITABLE_GROUPS}
echo 128 > /proc/sys/net/core/somaxconn
exec dockerd --config-file "$1"`

const IMAGE = 'hz'
const EMPTY_TAR = Buffer.alloc(1024)

function container(command: readonly string[], shared: string, settings: ContainerSettings) {
  const { policy = '', tries = 0, memory = 0, health, healthGrace = 0 } = settings
  const programs = ['/usr', '/bin', '/lib', '/lib64'].filter(existsSync)
  return {
    Image: IMAGE,
    Cmd: command,
    StopTimeout: 0,
    ...(health !== undefined && {
      Healthcheck: {
        Test: ['CMD-SHELL', health],
        Interval: 100_000_000,
        Retries: 1,
        StartPeriod: healthGrace * 1_000_000,
      },
    }),
    HostConfig: {
      Binds: [...programs.map((path) => `${path}:${path}:ro`), `${shared}:/shared`],
      RestartPolicy: { Name: policy, MaximumRetryCount: tries },
      Memory: memory,
    },
  }
}

async function call(socketPath: string, method: string, path: string, body?: unknown): Promise<string> {
  const headers = { 'content-type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json' }
  const asked = request({ socketPath, method, path, headers, signal: AbortSignal.timeout(20_000) })
  asked.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  const [response] = await once(asked, 'response')
  const answer = await text(response)
  if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${response.statusCode} ${answer}`)
  return answer
}

/** The kernel does not remove them with the last process. */
async function removeGroups(name: string): Promise<void> {
  await until('the control groups are removed', () => {
    const { status } = spawnSync('unshare', ['--mount', 'sh', '-c', REMOVE, 'sh', name], { stdio: 'ignore' })
    return status === 0
  })
}

/** In each tree of version 1, or in the one of version 2. */
const REMOVE = `${WRITABLE_GROUPS}
for group in "/sys/fs/cgroup$1" /sys/fs/cgroup/*"$1"; do
  test ! -d "$group" || find "$group" -depth -type d -exec rmdir {} + || exit
done`

/** Ends dockerd, and waits until unshare has reaped it: only then no thread of it has the socket open any more. */
async function endWorld(server: ServerProcess): Promise<void> {
  if (!server.isRunning()) return
  server.thaw()
  const dockerd = childOf(server.pid())
  if (dockerd !== null) process.kill(dockerd, 'SIGKILL')
  await until('unshare has ended', () => !server.isRunning())
}

/** The only child of unshare; null where either has ended. */
function childOf(pid: number): number | null {
  try {
    return Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'), 10) || null
  } catch {
    return null
  }
}
