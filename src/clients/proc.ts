import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CannotTell } from '../core/story.ts'
import { say } from '../core/text.ts'

/** A process as `/proc/<pid>/stat` tells of it. */
export interface ProcessStat {
  readonly pid: number
  /** The program's own short name, 15 bytes at most. */
  readonly comm: string
  /** R running, S sleeping, D waiting for a device, T stopped, t traced, Z ended and not reaped, I idle kernel thread. */
  readonly state: string
  readonly parent: number
  readonly session: number
  /** When it started, in ticks since boot. With the pid it names a process for good: pids are used again. */
  readonly startTicks: number
}

/** Ticks a second. The kernel gives 100 on every architecture that Node runs on. */
const tickRate = 100

/** @throws CannotTell on a system that has no such directory */
export function needProc(proc = '/proc'): void {
  if (existsSync(`${proc}/stat`)) return
  throw new CannotTell(say`there is no ${proc} here: this story needs Linux`)
}

/** Every process that this user may see. It costs some 15 µs a process, and lets others run in between. */
export async function scanProcesses(proc = '/proc'): Promise<readonly ProcessStat[]> {
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name))
  const found: ProcessStat[] = []
  for (const [index, pid] of pids.entries()) {
    if (index % 100 === 99) await nextTurn()
    const stat = parseStat(readStat(`${proc}/${pid}/stat`))
    if (stat !== null) found.push(stat)
  }
  return found
}

/** Whether a scan saw all processes: where `/proc` is mounted with hidepid, even the first one is hidden. */
export function isWholeScan(processes: readonly ProcessStat[]): boolean {
  return processes.some(({ pid }) => pid === 1)
}

/** One process; null where there is none with this pid. */
export function readProcess(pid: number, proc = '/proc'): ProcessStat | null {
  return parseStat(readStat(`${proc}/${pid}/stat`))
}

/** Wall time at which a process started, in milliseconds. Good to a second or so, and it moves when the clock is set. */
export async function startedAt({ startTicks }: ProcessStat, proc = '/proc'): Promise<number> {
  const bootSeconds = Number(/^btime (\d+)/m.exec(await readFile(`${proc}/stat`, 'utf8'))?.[1])
  return bootSeconds * 1000 + (startTicks * 1000) / tickRate
}

/** Null where the text is no stat line, such as that of a process that ended while it was read. */
export function parseStat(text: string): ProcessStat | null {
  // The name stands in parentheses and may hold spaces and parentheses of its own.
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')]
  if (open < 0 || close < open) return null
  const fields = text.slice(close + 2).split(' ')
  const stat = {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  }
  return Number.isFinite(stat.startTicks) && stat.state !== '' ? stat : null
}

/** Read in place: the kernel answers from memory without taking a lock of the process, faster than a thread wakes. */
function readStat(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process has ended, or is hidden from this user: either way there is nothing to tell of it.
    return ''
  }
}
