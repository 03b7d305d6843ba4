import { percent, say, z } from 'healthz'
import { step } from './target.ts'

/** Packets, and those that were damaged or dropped, by interface. */
type Counters = Readonly<Record<string, { readonly packets: number; readonly bad: number }>>

interface Sample {
  readonly boot: string
  readonly interfaces: Counters
}

/** A bad cable or a full queue loses packets, which makes everything slow. */
export const netErrors = step({
  title: say`no network interface loses packets`,
  on: false,
  limits: z.strictObject({ errorPct: z.number().default(1), packets: z.number().default(1000) }),
  async check({ target, limits, compare, grade, problem, cannotTell }) {
    const read = async (): Promise<Sample> => ({
      boot: (await target.read('sys/kernel/random/boot_id')) ?? '',
      interfaces: parseNetDev((await target.read('net/dev')) ?? ''),
    })
    const { before, after } = await compare(read, (before, after) => before.boot === after.boot)
    if (Object.keys(after.interfaces).length === 0) return cannotTell(say`/proc/net/dev cannot be read`)
    for (const [name, now] of Object.entries(after.interfaces)) {
      const then = before.interfaces[name] ?? now
      const [packets, bad] = [now.packets - then.packets, now.bad - then.bad]
      if (packets < limits.packets || bad < 0) continue
      const pct = (bad / packets) * 100
      const severity = grade(pct, { warning: limits.errorPct }, name)
      if (severity === null) continue
      problem({
        key: name,
        severity,
        summary: say`the interface ${name} lost ${bad} of ${packets} packets, ${percent(pct)} (limit ${limits.errorPct} %)`,
        advice: say`see which errors with: ip -s -s link show ${name}; check the cable, the switch port and its speed`,
        evidence: { interface: name, packets, bad },
      })
    }
  },
})

export function parseNetDev(text: string): Counters {
  const interfaces = text.split('\n').flatMap((line) => {
    const [name, counters] = line.split(':')
    if (name === undefined || counters === undefined || name.trim() === 'lo') return []
    const [, rx = 0, rxErrors = 0, rxDropped = 0, , , , , , tx = 0, txErrors = 0, txDropped = 0] = counters
      .trim()
      .split(/\s+/)
      .map(Number)
    return [[name.trim(), { packets: rx + tx, bad: rxErrors + rxDropped + txErrors + txDropped }] as const]
  })
  return Object.fromEntries(interfaces)
}
