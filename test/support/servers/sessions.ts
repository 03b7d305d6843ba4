import { readdirSync, readFileSync } from 'node:fs'
import { until } from './until.ts'

/**
 * Kills every process of a session and waits until none is left. A session holds what a process group loses:
 * supervisord gives each program its own group, Erlang's helpers have one of their own.
 */
export async function killSession(session: number): Promise<void> {
  await until(`session ${session} is over`, () => {
    signalSession(session, 'SIGKILL')
    return sessionMembers(session).length === 0
  })
}

/** Sends a signal to every process of a session. Where there is no /proc, to the leader's process group. */
export function signalSession(session: number, signal: NodeJS.Signals): void {
  for (const pid of HAS_PROC ? sessionMembers(session) : [-session]) signalProcess(pid, signal)
}

/** The processes of the servers that were started with their directory in `dir`, with all their children. */
export function processesOf(dir: string): readonly number[] {
  const mark = `${SERVER_MARK}=${dir}`
  return livingProcesses()
    .filter(({ pid }) => {
      return readProc(pid, 'environ')
        .split('\0')
        .some((entry) => entry === mark || entry.startsWith(`${mark}/`))
    })
    .map(({ pid }) => pid)
}

/** Kills what `processesOf` finds, so that nothing outlives a test run whose worker was killed. */
export function killProcessesOf(dir: string): void {
  for (const pid of processesOf(dir)) signalProcess(pid, 'SIGKILL')
}

/** The variable that marks a server and all its children with the directory of the server. */
export const SERVER_MARK = 'HEALTHZ_TEST_SERVER'

const HAS_PROC = process.platform === 'linux'

function sessionMembers(session: number): readonly number[] {
  return livingProcesses()
    .filter((process) => process.session === session)
    .map(({ pid }) => pid)
}

/** Zombies are left out: they hold nothing, and an orphan may stay one for long where pid 1 is slow to reap. */
function livingProcesses(): readonly { pid: number; session: number }[] {
  if (!HAS_PROC) return []
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return processes.flatMap((name) => {
    // "pid (command) state ppid pgrp session ...", see proc(5); the command may itself contain a parenthesis.
    const stat = readProc(Number(name), 'stat')
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (stat === '' || state === 'Z' || state === 'X') return []
    return [{ pid: Number(name), session: Number(session) }]
  })
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return '' // it has ended, or belongs to somebody else
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it has ended meanwhile
  }
}
