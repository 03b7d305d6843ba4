import { readFile } from 'node:fs/promises'
import {
  type Cure,
  count,
  DidNotHelp,
  duration,
  milliseconds,
  type ProcessStat,
  readProcess,
  say,
  z,
} from 'healthz'
import { named, step } from './target.ts'

/** By process: since when it waits, and at how many looks it did. */
type Waiting = Readonly<Record<string, { readonly since: number; readonly looks: number }>>

/** A process that is stopped, or waits for a device, is alive and does nothing. */
export const state = step({
  title: say`the process is neither stopped nor hangs on a device`,
  limits: z.strictObject({ waitMax: duration('60s') }),
  cures: [{ title: say`let it run on (SIGCONT)`, consent: 'ask' }],
  async check({ target, limits, signal, now, recall, remember, note, problem }) {
    const processes = await target.seen(signal)
    if (processes.some((process) => process.state === 't')) note(say`a debugger holds it`)
    const [stopped, ...others] = processes.filter((process) => process.state === 'T')
    if (stopped !== undefined) {
      problem({
        key: 'stopped',
        severity: 'critical',
        summary:
          others.length === 0
            ? say`${named(stopped)} is stopped and does nothing`
            : say`${named(stopped)} and ${count(others.length, 'other process', 'other processes')} are stopped and do nothing`,
        advice: say`somebody sent it SIGSTOP or pressed Ctrl-Z: ask who, or let it run on with kill -CONT ${String(stopped.pid)}`,
        evidence: { pid: stopped.pid, stopped: others.length + 1 },
        resolve: continueCure([stopped, ...others]),
      })
    }
    const before = recall<Waiting>()?.value ?? {}
    const waiting = processes
      .filter((process) => process.state === 'D')
      .map((process) => {
        const earlier = before[identity(process)]
        return { process, since: earlier?.since ?? now(), looks: (earlier?.looks ?? 0) + 1 }
      })
    remember(Object.fromEntries(waiting.map(({ process, ...known }) => [identity(process), known])))
    const hanging = waiting.find(({ since, looks }) => looks >= 3 && now() - since >= limits.waitMax)
    if (hanging === undefined) return
    problem({
      key: 'waiting',
      severity: 'warning',
      confirm: 1,
      summary: say`${named(hanging.process)} has hung on a device for ${milliseconds(now() - hanging.since)} (limit ${milliseconds(limits.waitMax)}), seen at ${count(hanging.looks, 'look')} in a row`,
      advice: say`it cannot be killed in this state: look for a disk or a network file system that does not answer (dmesg, mount)`,
      evidence: { pid: hanging.process.pid, waitsIn: await waitsIn(hanging.process.pid) },
    })
  },
})

const identity = ({ pid, startTicks }: ProcessStat) => `${pid} ${startTicks}`

function continueCure(stopped: readonly ProcessStat[]): Cure {
  return {
    title: say`let it run on (SIGCONT)`,
    consent: 'ask',
    run() {
      const still = stopped.filter((before) => {
        const now = readProcess(before.pid)
        return now?.state === 'T' && now.startTicks === before.startTicks
      })
      for (const { pid } of still) resume(pid)
    },
  }
}

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    throw new DidNotHelp(say`the watchman's user may not send signals to process ${String(pid)}`)
  }
}

/** The kernel function that it waits in; null where this user may not know. */
async function waitsIn(pid: number): Promise<string | null> {
  try {
    const name = await readFile(`/proc/${pid}/wchan`, 'utf8')
    return name === '0' || name === '' ? null : name
  } catch {
    // It may be hidden, or the process gone: the problem stands without it.
    return null
  }
}
