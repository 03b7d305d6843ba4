import { bytes, duration, milliseconds, say, z } from 'healthz'
import { parseMeminfo, parseVmstat } from './meminfo.ts'
import { parsePressure } from './pressure.ts'
import { step } from './target.ts'

interface Sample {
  readonly boot: string
  readonly at: number
  /** Pages that went to swap or came back since boot. */
  readonly pages: number
  /** Since when the rate is too high; null where it is not. */
  readonly since: number | null
}

/** Memory that goes to swap and back all the time makes everything slow. Swap that is merely used harms nobody. */
export const swap = step({
  title: say`memory is not swapped to and fro`,
  limits: z.strictObject({ pagesPerSecond: z.number().default(1000), lasting: duration('5m') }),
  confirm: 1,
  async check({ target, limits, now, recall, remember, note, problem, cannotTell }) {
    const vmstat = (await target.read('vmstat')) ?? ''
    const [pagesIn, pagesOut] = [parseVmstat(vmstat, 'pswpin'), parseVmstat(vmstat, 'pswpout')]
    if (pagesIn === null || pagesOut === null)
      return cannotTell(say`this kernel does not count the pages it swaps`)
    const boot = (await target.read('sys/kernel/random/boot_id')) ?? ''
    const [at, pages] = [now(), pagesIn + pagesOut]
    const before = recall<Sample>()?.value
    if (before === undefined || before.boot !== boot || before.pages > pages || at <= before.at) {
      remember({ boot, at, pages, since: null } satisfies Sample)
      return
    }
    const rate = ((pages - before.pages) * 1000) / (at - before.at)
    const since = rate > limits.pagesPerSecond ? (before.since ?? before.at) : null
    remember({ boot, at, pages, since } satisfies Sample)
    if (since === null) return
    if (at - since < limits.lasting) return note(say`${Math.round(rate)} pages are swapped each second`)
    const stalled = parsePressure(await target.read('pressure/memory'))?.some.avg300 ?? null
    const swapTotal = parseMeminfo((await target.read('meminfo')) ?? '')?.swapTotal ?? 0
    problem({
      severity: 'warning',
      summary: say`${Math.round(rate)} pages are swapped each second for ${milliseconds(at - since)} (limit ${limits.pagesPerSecond}, swap ${bytes(swapTotal)})`,
      advice: say`something needs more memory than there is: see who is swapped (grep VmSwap /proc/*/status), and end it or move it to another host`,
      evidence: { pagesPerSecond: Math.round(rate), stalledPct: stalled },
    })
  },
})
