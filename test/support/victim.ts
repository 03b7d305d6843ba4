import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from './servers/programs.ts'
import { killSession, SERVER_MARK } from './servers/sessions.ts'

/** A harmless process to be looked at, stopped and killed: the leader of its own session. */
export interface Victim extends AsyncDisposable {
  readonly pid: number
  /** Ends the whole session and waits until it is reaped. */
  kill(): Promise<void>
}

/** Starts a program that is installed everywhere, such as `sleep`. It is killed when it is disposed. */
export async function startVictim(command: string, ...args: string[]): Promise<Victim> {
  const path = findProgram(command)
  if (path === null) throw new Error(`${command} is not installed`)
  const child = spawn(path, args, {
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], [SERVER_MARK]: process.env['HEALTHZ_TEST_DIR'] },
  })
  await once(child, 'spawn')
  const exit = once(child, 'exit')
  const { pid = 0 } = child
  let isKilled = false
  const kill = async () => {
    if (isKilled) return
    isKilled = true
    await killSession(pid)
    await exit
  }
  return { pid, kill, [Symbol.asyncDispose]: kill }
}
