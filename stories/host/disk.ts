import { bytes, percent, say, z } from 'healthz'
import { cleanupOf } from './cleanup.ts'
import { step } from './target.ts'

const gibibyte = 1_073_741_824

/** Everything stops on a full disk. */
export const disk = step({
  title: say`every disk has space left`,
  limits: z.strictObject({
    warnFreePct: z
      .number()
      .default(10)
      .describe('free space a plain user may use, of all that is used or may be'),
    critFreePct: z.number().default(5),
    freeGiB: z
      .number()
      .default(20)
      .describe('with this much left, a small share of a large disk is no problem'),
  }),
  cures: [{ title: say`run the configured command that frees space on the mount`, consent: 'ask' }],
  async check({ target, options, limits, signal, note, problem, grade }) {
    const { known, silent, absent } = await target.filesystems(signal)
    for (const filesystem of known) {
      const { target: mount, used, available } = filesystem
      const pct = (available / Math.max(1, used + available)) * 100
      const severity = grade(
        pct,
        { warning: limits.warnFreePct, critical: limits.critFreePct, below: true },
        mount,
      )
      note(say`${mount} has ${bytes(available)} (${percent(pct)}) left`)
      if (severity === null || available >= limits.freeGiB * gibibyte) continue
      const cure = cleanupOf(mount, options)
      problem({
        key: mount,
        severity,
        summary: say`${mount} has ${bytes(available)} left, ${percent(pct)} of ${bytes(used + available)} (limit ${limits.warnFreePct} %)`,
        advice: say`find what fills it: du -x ${mount} | sort -n | tail; space may also be held by deleted files that are still open: lsof +L1`,
        evidence: { mount, available, used, freePct: Math.round(pct * 10) / 10 },
        ...(cure !== null && { resolve: cure }),
      })
    }
    for (const mount of silent) {
      problem({
        key: mount,
        severity: 'critical',
        summary: say`${mount} does not answer within 2 s`,
        advice: say`whatever touches it hangs: look for its server or its disk (dmesg), or unmount it with umount -l`,
        evidence: { mount },
      })
    }
    for (const mount of absent) {
      problem({
        key: mount,
        severity: 'critical',
        summary: say`nothing is mounted on ${mount}`,
        advice: say`mount it: what is written there now lands on the disk below, and disappears when it is mounted`,
        evidence: { mount },
      })
    }
  },
})
