import { readlink } from 'node:fs/promises'
import { duration, milliseconds, type ProcessStat, say, z } from 'healthz'
import { named, step } from './target.ts'

/** By process: since when its program file is seen gone, in wall milliseconds. */
type Gone = Readonly<Record<string, number>>

/** After an upgrade the old version runs on until somebody restarts it. */
export const deleted = step({
  title: say`the program file of the process is still there`,
  on: false,
  limits: z.strictObject({ longest: duration('24h') }),
  confirm: 1,
  async check({ target, limits, signal, now, recall, remember, problem, cannotTell }) {
    const processes = await target.seen(signal)
    const files = await Promise.all(
      processes.map(async (process) => ({ process, file: await programFile(process) })),
    )
    const before = recall<Gone>()?.value ?? {}
    const gone = files
      .filter(({ file }) => file !== null && isDeleted(file))
      .map(({ process }) => ({ process, since: before[identity(process)] ?? now() }))
    remember(Object.fromEntries(gone.map(({ process, since }) => [identity(process), since])))
    const old = gone.find(({ since }) => now() - since > limits.longest)
    if (old !== undefined) {
      problem({
        severity: 'warning',
        summary: say`the program file of ${named(old.process)} was replaced or removed more than ${milliseconds(now() - old.since)} ago (limit ${milliseconds(limits.longest)})`,
        advice: say`the old version is still running: restart it at a quiet time`,
        evidence: { pid: old.process.pid },
      })
    }
    if (files.some(({ file }) => file === null))
      cannotTell(say`the watchman's user may not see the program file: run it as root or as the same user`)
  },
})

const identity = ({ pid, startTicks }: ProcessStat) => `${pid} ${startTicks}`

/** A program that runs from memory (memfd) never had a file. */
export const isDeleted = (file: string) => file.endsWith(' (deleted)') && !file.startsWith('/memfd:')

/** Null where it belongs to another user; empty where it has ended. */
async function programFile({ pid }: ProcessStat): Promise<string | null> {
  try {
    return await readlink(`/proc/${pid}/exe`)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES' ? null : ''
  }
}
