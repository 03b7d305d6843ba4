import { type ChildProcess, spawn } from 'node:child_process'
import type { Secret } from '../core/secret.ts'
import { CannotTell } from '../core/story.ts'
import { milliseconds, say } from '../core/text.ts'
import { plainEnvironment } from './launch.ts'

/** What came of a program. */
export interface RunOutput {
  /** Its exit status; null where a signal ended it. */
  readonly code: number | null
  readonly endedBy: NodeJS.Signals | null
  /** What it printed, each cut off at 64 KiB. */
  readonly stdout: string
  readonly stderr: string
  /** Whether it printed more than is kept. */
  readonly isTruncated: boolean
}

export interface RunOptions {
  /** Milliseconds until it is asked to end, with SIGTERM. */
  readonly timeout: number
  readonly signal: AbortSignal
  /** What it is given beside a plain environment. */
  readonly env?: Readonly<Record<string, Secret>> | undefined
  /** `/` where it is left out. */
  readonly cwd?: string | undefined
  /** Whether what it leaves behind when it ends is ended too. What has left its process group goes on all the same. */
  readonly endsGroup?: boolean | undefined
}

/**
 * Runs a program to its end, without a shell, as the leader of a process group of its own. Past its time the group is
 * asked to end, and killed a moment later; an abort kills it at once. Of the watchman's environment it gets only what
 * is no secret, and it speaks English.
 * @throws CannotTell where there is no such program, it may not be run, or it took too long.
 */
export function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  { timeout, signal, env = {}, cwd = '/', endsGroup = false }: RunOptions,
): Promise<RunOutput> {
  const { promise, resolve, reject } = Promise.withResolvers<RunOutput>()
  signal.throwIfAborted()
  const secrets = Object.entries(env).map(([name, value]) => [name, value.reveal()])
  const child = spawn(program, args, {
    detached: true,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...plainEnvironment(), LC_ALL: 'C.UTF-8', ...Object.fromEntries(secrets) },
  })
  const [stdout, stderr] = [gather(child.stdout), gather(child.stderr)]
  const letGo = () => {
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const kill = (reason: unknown) => {
    signalGroup(child, 'SIGKILL')
    letGo()
    reject(reason)
  }
  const late = new CannotTell(say`the program ${program} did not end within ${milliseconds(timeout)}`)
  let isLate = false
  const timers = [
    setTimeout(() => {
      isLate = true
      signalGroup(child, 'SIGTERM')
    }, timeout),
    setTimeout(() => kill(late), timeout + grace),
  ]
  const abort = () => kill(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  child.once('error', (error) => reject(whyNot(error, program, cwd)))
  child.once('exit', () => {
    if (isLate || endsGroup) signalGroup(child, 'SIGKILL')
    // What it started and left behind holds the pipes open.
    timers.push(setTimeout(letGo, lastWords))
  })
  child.once('close', (code, endedBy) => {
    if (isLate) return reject(late)
    const isTruncated = stdout.isTruncated() || stderr.isTruncated()
    resolve({ code, endedBy, stdout: stdout.text(), stderr: stderr.text(), isTruncated })
  })
  return promise.finally(() => {
    for (const timer of timers) clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  })
}

/** Milliseconds between SIGTERM and SIGKILL. */
const grace = 1000

/** Milliseconds that what was printed may take to arrive once the program has ended. */
const lastWords = 1000

function whyNot(error: NodeJS.ErrnoException, program: string, cwd: string): CannotTell {
  if (error.code === 'ENOENT')
    return new CannotTell(
      cwd === '/'
        ? say`the program ${program} is not installed on this node`
        : say`the program ${program} is not installed on this node, or there is no directory ${cwd}`,
    )
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return new CannotTell(say`the program ${program} may not be run by the user of the watchman`)
  return new CannotTell(say`the program ${program} could not be started (${error.code ?? error.name})`)
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended by itself, or has the rights of another user.
  }
}

/** Bytes kept of each stream; the rest is read and dropped, so that the program can go on. */
const most = 65_536

function gather(stream: NodeJS.ReadableStream): { text(): string; isTruncated(): boolean } {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    if (size < most) chunks.push(chunk.subarray(0, most - size))
    size += chunk.length
  })
  return { text: () => Buffer.concat(chunks).toString('utf8'), isTruncated: () => size > most }
}
