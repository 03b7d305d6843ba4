import { cpuLimitOfContainer, percent, pressureOfContainer, say, z } from 'healthz'
import { parsePressure } from './pressure.ts'
import { step } from './target.ts'

/** Many tasks alone are no harm; many that wait are. */
export const load = step({
  title: say`tasks do not queue for processors or disks`,
  limits: z.strictObject({
    load: z.number().default(2).describe('of the last five minutes, for each processor'),
    cpuPct: z.number().default(50).describe('how much of the last five minutes some task waited, in percent'),
    ioPct: z.number().default(40),
  }),
  async check({ target, options, limits, grade, note, problem, cannotTell }) {
    const load5 = Number((await target.read('loadavg'))?.split(' ')[1])
    if (!Number.isFinite(load5)) return cannotTell(say`/proc/loadavg cannot be read`)
    const limit = options.proc === '/proc' ? await cpuLimitOfContainer() : null
    const processors = limit ?? countProcessors((await target.read('stat')) ?? '')
    const each = Math.round((load5 / Math.max(processors, 0.1)) * 10) / 10
    note(say`the load of the last 5 minutes is ${load5}, ${each} for each of ${processors} processors`)
    if (grade(each, { warning: limits.load }) === null) return

    // The load counts all tasks of the host; whether those of a container wait is told for itself.
    const waits = limit === null ? (of: string) => target.read(`pressure/${of}`) : pressureOfContainer
    const [cpu, io] = [parsePressure(await waits('cpu')), parsePressure(await waits('io'))]
    if (cpu === null || io === null)
      return cannotTell(
        say`the load is ${each} for each processor, and this kernel does not tell whether tasks wait`,
      )
    const [cpuWait, ioWait] = [cpu.some.avg300, io.some.avg300]
    const isCpu = grade(cpuWait, { warning: limits.cpuPct }) !== null
    if (!isCpu && grade(ioWait, { warning: limits.ioPct }) === null) return
    problem({
      severity: 'warning',
      summary: isCpu
        ? say`the load is ${each} for each processor (limit ${limits.load}), and tasks waited for a processor ${percent(cpuWait)} of the last 5 minutes (limit ${limits.cpuPct} %)`
        : say`the load is ${each} for each processor (limit ${limits.load}), and tasks waited for disks ${percent(ioWait)} of the last 5 minutes (limit ${limits.ioPct} %)`,
      advice: isCpu
        ? say`see who uses the processors: top -o %CPU`
        : say`see who uses the disks: iotop -o, or state D in ps`,
      evidence: { load5, processors, cpuWaitPct: cpuWait, ioWaitPct: ioWait },
    })
  },
})

export const countProcessors = (stat: string) => Math.max(1, stat.match(/^cpu\d+ /gm)?.length ?? 1)
