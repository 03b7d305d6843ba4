import { count, duration, milliseconds, say, z } from 'healthz'
import { lastVictim } from './kernel-log.ts'
import { parseVmstat } from './meminfo.ts'
import { step } from './target.ts'

interface Sample {
  readonly boot: string
  readonly kills: number
  /** When kills were seen, and how many. */
  readonly seen: readonly (readonly [at: number, kills: number])[]
}

/** The kernel kills without asking when memory runs out; whoever it was may not have come back. */
export const oom = step({
  title: say`the kernel had to kill nothing for lack of memory`,
  limits: z.strictObject({ within: duration('15m') }),
  // The kernel's counter is a fact; it does not rise again at the next look.
  confirm: 1,
  async check({ target, limits, now, recall, remember, note, problem, cannotTell }) {
    const kills = parseVmstat((await target.read('vmstat')) ?? '', 'oom_kill')
    if (kills === null) return cannotTell(say`this kernel does not count what it kills (before Linux 4.13)`)
    const boot = (await target.read('sys/kernel/random/boot_id')) ?? ''
    const before = recall<Sample>()?.value
    const isSameBoot = before?.boot === boot && before.kills <= kills
    const fresh = isSameBoot ? kills - before.kills : 0
    const kept = (isSameBoot ? before.seen : []).filter(([at]) => now() - at <= limits.within)
    const seen = fresh === 0 ? kept : [...kept, [now(), fresh] as const]
    remember({ boot, kills, seen } satisfies Sample)
    if (seen.length === 0)
      return note(say`${count(kills, 'process', 'processes')} killed since the host started`)
    const sum = seen.reduce((total, [, some]) => total + some, 0)
    const victim = await lastVictim()
    problem({
      severity: 'critical',
      summary:
        victim === null
          ? say`the kernel killed ${count(sum, 'process', 'processes')} for lack of memory within ${milliseconds(limits.within)}`
          : say`the kernel killed ${count(sum, 'process', 'processes')} for lack of memory within ${milliseconds(limits.within)}, the last one ${victim}`,
      advice: say`see that what was killed runs again; then give it more memory or a limit of its own (journalctl -k names what used most)`,
      evidence: { kills: sum, victim },
    })
  },
})
