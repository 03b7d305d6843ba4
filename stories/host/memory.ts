import { bytes, memoryGroupOfContainer, memoryUse, type ProcessStat, percent, say, z } from 'healthz'
import { parseMeminfo } from './meminfo.ts'
import { parsePressure } from './pressure.ts'
import { step } from './target.ts'

/** A host short of memory slows down first, then the kernel kills. */
export const memory = step({
  title: say`enough memory is available`,
  limits: z.strictObject({
    warnAvailablePct: z.number().default(10).describe('available memory, of all'),
    critAvailablePct: z.number().default(4),
    stalledPct: z
      .number()
      .default(10)
      .describe('how much of the last minute everything may wait for memory, in percent'),
  }),
  async check({ target, options, limits, grade, note, problem, cannotTell }) {
    const host = parseMeminfo((await target.read('meminfo')) ?? '')
    if (host === null) return cannotTell(say`this kernel does not tell how much memory is available`)
    const container = options.proc === '/proc' ? await memoryGroupOfContainer() : null
    const { total, available } = tighter(
      host,
      container === null ? null : { total: container.limit, available: container.limit - container.used },
    )
    const pct = (available / total) * 100
    note(say`${bytes(available)} of ${bytes(total)} are available (${percent(pct)})`)

    const stalled = parsePressure(await target.read('pressure/memory'))?.full?.avg60 ?? 0
    const bySize = grade(pct, {
      warning: limits.warnAvailablePct,
      critical: limits.critAvailablePct,
      below: true,
    })
    const byStall = grade(stalled, { critical: limits.stalledPct })
    const severity = byStall ?? bySize
    if (severity === null) return
    const largest = await largestOf(await target.processes(), options.proc)
    problem({
      severity,
      ...(severity === 'warning' && { confirm: 3 }),
      summary:
        byStall === null
          ? say`only ${bytes(available)} of ${bytes(total)} memory are available, ${percent(pct)} (limit ${limits.warnAvailablePct} %)`
          : say`everything waited for memory ${percent(stalled)} of the last minute (limit ${limits.stalledPct} %), ${bytes(available)} of ${bytes(total)} are available`,
      advice: say`end or restart what uses most before the kernel kills something: ${largest}`,
      evidence: { available, total, freePct: Math.round(pct * 10) / 10, stalledPct: stalled },
    })
  },
})

interface Memory {
  readonly total: number
  readonly available: number
}

/** A container may be short of memory while its host has plenty. */
function tighter(host: Memory, container: Memory | null): Memory {
  if (container === null) return host
  return container.available / container.total < host.available / host.total ? container : host
}

/** The five processes that use most, as "node 1.2 GiB". */
async function largestOf(processes: readonly ProcessStat[], proc: string) {
  const sizes = await Promise.all(
    processes.map(async ({ pid, comm }) => ({ comm, used: (await memoryUse(pid, proc))?.resident ?? 0 })),
  )
  const largest = sizes.toSorted((a, b) => b.used - a.used).slice(0, 5)
  return largest.map(({ comm, used }) => say`${comm} ${bytes(used)}`)
}
