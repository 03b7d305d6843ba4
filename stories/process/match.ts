import { readFile } from 'node:fs/promises'
import { CannotTell, isWholeScan, type ProcessStat, say, scanProcesses } from 'healthz'

/** The processes whose command line matches, of one user where that is asked. The watchman and what it runs are left out. */
export async function findMatches(pattern: string, user?: string): Promise<readonly ProcessStat[]> {
  const processes = await scanProcesses()
  const expression = new RegExp(pattern)
  const uid = user === undefined ? null : await uidOf(user)
  const candidates = withoutOwn(processes, process.pid).filter(({ state }) => state !== 'Z')
  const found: ProcessStat[] = []
  for (let i = 0; i < candidates.length; i += atOnce) {
    const some = candidates.slice(i, i + atOnce)
    const areMatches = await Promise.all(some.map(({ pid }) => isMatch(pid, expression, uid)))
    found.push(...some.filter((_, index) => areMatches[index]))
  }
  if (found.length > 0 || isWholeScan(processes)) return found
  throw new CannotTell(
    say`/proc hides the processes of other users here (hidepid): run the watchman as root or in the group that may see them`,
  )
}

/**
 * Leaves out a process and the helpers that it runs: its descendants in its own session. What it started for good
 * has a session of its own.
 */
export function withoutOwn(processes: readonly ProcessStat[], own: number): readonly ProcessStat[] {
  const session = processes.find(({ pid }) => pid === own)?.session
  const kin = new Set([own])
  let before = 0
  while (kin.size > before) {
    before = kin.size
    for (const { pid, parent } of processes) if (kin.has(parent)) kin.add(pid)
  }
  return processes.filter(
    (process) => process.pid !== own && !(kin.has(process.pid) && process.session === session),
  )
}

/** Command lines are read off the main thread and a few at a time: one that waits for its memory holds up the reader. */
const atOnce = 16

async function isMatch(pid: number, expression: RegExp, uid: number | null): Promise<boolean> {
  try {
    const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replace(/\0+$/, '').replaceAll('\0', ' ')
    if (line === '' || !expression.test(line)) return false
    return uid === null || uid === parseUid(await readFile(`/proc/${pid}/status`, 'utf8'))
  } catch {
    // It has ended in the meantime.
    return false
  }
}

/** The user that a process acts as. */
export function parseUid(status: string): number | null {
  const effective = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]
  return effective === undefined ? null : Number(effective)
}

async function uidOf(user: string): Promise<number> {
  if (/^\d+$/.test(user)) return Number(user)
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith(`${user}:`))
  if (line !== undefined) return Number(line.split(':')[2])
  throw new CannotTell(say`this host's /etc/passwd knows no user ${user}: give its number instead`)
}
