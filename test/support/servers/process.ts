import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { insideTree } from './debian-tree.ts'
import { findProgram, SEARCHED } from './programs.ts'
import { killSession, SERVER_MARK, signalSession } from './sessions.ts'
import { until } from './until.ts'

/**
 * Starts a server as the leader of its own session and waits until it is ready. Throws, with the end of what the
 * server printed, if it is not installed, exits early or is not ready in time. It is killed when it is disposed,
 * and on Linux also when the process that started it dies.
 */
export async function startServer(program: Program): Promise<ServerProcess> {
  let running = await launch(program)
  return {
    pid: () => running.pid,
    isRunning: () => !running.exit.signal.aborted,
    log: () => readFileSync(logFile(program), 'utf8'),
    freeze: () => signalSession(running.pid, 'SIGSTOP'),
    thaw: () => signalSession(running.pid, 'SIGCONT'),
    kill: () => end(running),
    async restart() {
      await end(running)
      running = await launch(program)
    },
    [Symbol.asyncDispose]: () => end(running),
  }
}

export interface ServerProcess extends AsyncDisposable {
  pid(): number
  isRunning(): boolean
  /** All that the server printed since its first start. */
  log(): string
  /** Stops the server and its children with SIGSTOP: it accepts connections and never answers. */
  freeze(): void
  thaw(): void
  /** Kills the server and its children as a crash would, and waits until they are gone. */
  kill(): Promise<void>
  /** Kills it if it runs, starts it again with the same ports and files, and waits until it is ready. */
  restart(): Promise<void>
}

export interface Program {
  /** Names the log file and stands in the error messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The tree of another Debian (`debianTree`) in which it runs: its root, with this machine's /tmp. */
  readonly tree?: string | undefined
  /** Its working directory and its home, where the log file is kept too. */
  readonly dir: string
  /** Added to a small environment of a fixed locale and time zone; nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>
  /** Gives something truthy once the server answers; until then it throws or gives something falsy. */
  readonly ready: () => unknown
  /** Milliseconds until the start has failed, 20 000 if left out. */
  readonly deadline?: number
}

interface Running {
  readonly pid: number
  /** Aborted, with how it ended as the reason, when the leader of the session has ended. */
  readonly exit: AbortController
  isKilled: boolean
}

async function launch(program: Program): Promise<Running> {
  const exit = new AbortController()
  const child = spawnInSession(program)
  child.once('exit', (code, signal) => exit.abort(new Error(`it exited with ${signal ?? `status ${code}`}`)))
  child.once('error', (error) => exit.abort(error))
  const running = { pid: child.pid ?? 0, exit, isKilled: false }
  try {
    const { deadline = 20_000 } = program
    await until(`${program.name} answers`, program.ready, { deadline, signal: exit.signal })
    return running
  } catch (cause) {
    await end(running)
    const why = cause instanceof Error ? cause.message : String(cause)
    const printed = readFileSync(logFile(program), 'utf8').slice(-4000)
    throw new Error(`${program.name} did not start: ${why}\n${printed}`, { cause })
  }
}

function spawnInSession({ command, args, dir, env, tree, ...program }: Program): ChildProcess {
  const [name, given] = tree === undefined ? [command, args] : insideTree(tree, command, args)
  const path = findProgram(name)
  if (path === null) throw new Error(`${program.name} cannot start: ${name} is not installed`)
  const log = openSync(logFile({ ...program, dir }), 'a')
  try {
    return spawn(...diesWithParent(path, given), {
      cwd: dir,
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        PATH: SEARCHED.join(delimiter),
        HOME: dir,
        LANG: 'C.UTF-8',
        TZ: 'UTC',
        ...env,
        [SERVER_MARK]: dir,
      },
    })
  } finally {
    closeSync(log)
  }
}

/** setpriv (util-linux) replaces itself with the program, so the process id is that of the server. */
export function diesWithParent(path: string, args: readonly string[]): [string, string[]] {
  const setpriv = findProgram('setpriv')
  if (setpriv === null) return [path, [...args]]
  return [setpriv, ['--pdeathsig', 'SIGKILL', path, ...args]]
}

async function end(running: Running): Promise<void> {
  // A second kill could hit a stranger who got the same process id.
  if (running.isKilled || running.pid === 0) return
  running.isKilled = true
  await killSession(running.pid)
  await until('the exit is reported', () => running.exit.signal.aborted, { every: 1 })
}

function logFile({ dir, name }: Pick<Program, 'dir' | 'name'>): string {
  return join(dir, `${name}.log`)
}
