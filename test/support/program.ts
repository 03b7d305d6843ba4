import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diesWithParent } from './servers/process.ts'
import { killProcessesOf, processesOf, SERVER_MARK } from './servers/sessions.ts'
import { makeTempDir } from './servers/temp-dir.ts'
import { until } from './servers/until.ts'

/** Makes a directory with these files, in which `healthz` runs as a person would run it. */
export async function makePlace(files: Readonly<Record<string, string>> = {}): Promise<Place> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  stack.defer(() => killAll(dir))
  const write: Place['write'] = async (name, text) => {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  const env: Record<string, string> = {}
  const start: Place['start'] = (...args) => startProgram(dir, args, env)
  const owned = stack.move()
  return {
    dir,
    env,
    write,
    files: async () => (await readdir(dir)).toSorted(),
    read: (name) => readFile(join(dir, name), 'utf8'),
    start,
    run: (...args) => start(...args).ended(),
    async daemon(...args) {
      const program = start('-d', ...args)
      const { http } = await program.says('started')
      return { ...program, get: (path, accept) => get(`${http}${path}`, accept) }
    },
    processes: () => processesOf(dir),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Whatever still runs in it is killed on disposal, children included. */
export interface Place extends AsyncDisposable {
  readonly dir: string
  /** Added to the small environment that the programs get; nothing else is inherited. */
  readonly env: Record<string, string>
  write(name: string, text: string): Promise<void>
  /** The names of what lies in it. */
  files(): Promise<readonly string[]>
  read(name: string): Promise<string>
  /** Runs `healthz` to its end. */
  run(...args: readonly string[]): Promise<Ended>
  /** Starts `healthz`, which goes on. */
  start(...args: readonly string[]): Program
  /** Starts `healthz -d` and waits until it says that it has started. */
  daemon(...args: readonly string[]): Promise<Daemon>
  /** The processes that were started here and still live, their children included. */
  processes(): readonly number[]
}

export interface Program {
  readonly pid: number
  stdout(): string
  stderr(): string
  /** The lines of the log so far. */
  log(): readonly LogLine[]
  /** Waits for a line of the log with this message, and these fields where there are any. */
  says(message: string, fields?: Readonly<Record<string, unknown>>): Promise<LogLine>
  signal(name: NodeJS.Signals): void
  /** Whether it has ended and all that it printed was read. */
  hasEnded(): boolean
  /** Waits for the end. Throws where it does not end in time. */
  ended(deadline?: number): Promise<Ended>
}

export interface Daemon extends Program {
  /** Asks it by HTTP. */
  get(path: string, accept?: string): Promise<{ readonly status: number; readonly body: string }>
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const root = join(import.meta.dirname, '../..')

/** HEALTHZ_TEST_MAIN names another program than the sources: `dist/healthz.js`, once that is built. */
function programArgs(): readonly string[] {
  const built = process.env['HEALTHZ_TEST_MAIN']
  return built === undefined
    ? ['--conditions=healthz-source', join(root, 'src/main.ts')]
    : [join(root, built)]
}

function startProgram(dir: string, args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const child = spawn(...diesWithParent(process.execPath, [...programArgs(), ...args]), {
    cwd: dir,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: dir,
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      HEALTHZ_LOG: 'debug',
      ...env,
      [SERVER_MARK]: dir,
    },
  })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
    })
  const end = endOf(child)
  const log = () => linesOf(printed.stdout)
  return {
    pid: child.pid ?? 0,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    log,
    says: (message, fields = {}) => {
      return until(
        `the log says "${message}" ${JSON.stringify(fields)}`,
        () => {
          const line = log().find((one) => one.msg === message && has(one, fields))
          if (line === undefined && end.signal.aborted) throw new Error(`it has ended: ${printed.stderr}`)
          return line
        },
        { deadline: 20_000 },
      )
    },
    signal: (name) => void child.kill(name),
    hasEnded: () => end.signal.aborted,
    async ended(deadline = 30_000) {
      await until(`healthz ${args.join(' ')} ends`, () => end.signal.aborted, { deadline })
      return { code: child.exitCode, signal: child.signalCode, ...printed }
    },
  }
}

async function get(url: string, accept = '*/*'): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { headers: { accept }, signal: AbortSignal.timeout(5000) })
  return { status: response.status, body: await response.text() }
}

/** Aborts once the process has ended and all that it printed was read. */
function endOf(child: ChildProcess): AbortController {
  const end = new AbortController()
  child.once('close', () => end.abort())
  child.once('error', (error) => end.abort(error))
  return end
}

/** The whole lines that are JSON; channels print where the log is, too. */
function linesOf(text: string): readonly LogLine[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.filter((line) => line.startsWith('{"level"')).map((line): LogLine => JSON.parse(line))
}

function has(line: LogLine, fields: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, value]) => line[name] === value)
}

async function killAll(dir: string): Promise<void> {
  await until(`nothing runs in ${dir}`, () => {
    killProcessesOf(dir)
    return processesOf(dir).length === 0
  })
}
