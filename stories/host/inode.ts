import { percent, say, z } from 'healthz'
import { step } from './target.ts'

/** A disk that can hold no more files is full, whatever space is left. */
export const inode = step({
  title: say`every disk can hold more files`,
  limits: z.strictObject({ warnFreePct: z.number().default(10), critFreePct: z.number().default(5) }),
  async check({ target, limits, signal, problem, grade }) {
    const { known } = await target.filesystems(signal)
    for (const { target: mount, files, filesFree } of known) {
      // Some, such as btrfs, have no fixed number of files.
      if (files === 0) continue
      const pct = (filesFree / files) * 100
      const severity = grade(
        pct,
        { warning: limits.warnFreePct, critical: limits.critFreePct, below: true },
        mount,
      )
      if (severity === null) continue
      problem({
        key: mount,
        severity,
        summary: say`${mount} can hold only ${filesFree} more files, ${percent(pct)} of ${files} (limit ${limits.warnFreePct} %)`,
        advice: say`find the directory with most files: du --inodes -x ${mount} | sort -n | tail`,
        evidence: { mount, files, filesFree },
      })
    }
  },
})
