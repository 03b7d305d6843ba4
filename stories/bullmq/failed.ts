import { count, duration, milliseconds, percent, say, z } from 'healthz'
import { failedNames } from './failed-names.ts'
import { finishedByCounter, type Tally } from './finished.ts'
import { retryFailed } from './library.ts'
import { numberOf } from './read-queue.ts'
import { admitMissing, inWords, step } from './target.ts'

/** Few of the jobs that ended lately have failed. */
export const failed = step({
  title: say`few jobs fail`,
  limits: z.strictObject({
    failPct: z.number().min(0).max(100).default(5),
    least: z.int().min(1).meta({ description: 'fewer ended jobs say nothing' }).default(20),
    within: duration('10m'),
  }),
  cures: [{ title: say`try the jobs again that failed last, 100 at most`, consent: 'ask' }],
  async check({ target, options, limits, now, note, recall, remember, problem, grade, cannotTell }) {
    const reading = await target.read()
    const { redis, key } = target
    const before = recall<Readonly<Record<string, readonly Tally[]>>>()?.value ?? {}
    const after: Record<string, readonly Tally[]> = {}
    for (const { name, added, pending } of reading.queues) {
      const since = now() - limits.within
      const [failures, kept] = await Promise.all(
        ['failed', 'completed'].map(async (part) =>
          numberOf(await inWords(redis.call('ZCOUNT', key(name, part), since, '+inf'))),
        ),
      )
      const tallies = [...(before[name] ?? []).filter(({ at }) => at >= since), { at: now(), added, pending }]
      after[name] = tallies
      // Completed jobs may be removed at once (removeOnComplete): then only the counter knows of them.
      const ended = Math.max((failures ?? 0) + (kept ?? 0), finishedByCounter(tallies))
      const share = ended === 0 ? 0 : ((failures ?? 0) / ended) * 100
      note(
        say`${failures ?? 0} of ${count(ended, 'job')} of ${name} failed within ${milliseconds(limits.within)}`,
      )
      if (ended < limits.least || grade(share, { warning: limits.failPct }, name) === null) continue
      const names = await failedNames(name, since, target)
      problem({
        key: name,
        severity: 'warning',
        summary: say`${failures ?? 0} of ${count(ended, 'job')} of ${name} failed within ${milliseconds(limits.within)} (${percent(share)}, limit ${percent(limits.failPct)})`,
        advice: say`see in the log of the workers why; the last that failed are: ${names}`,
        evidence: { queue: name, failed: failures ?? 0, ended, names: names.join(', ') },
        resolve: retryFailed(name, options),
      })
    }
    remember(after)
    admitMissing(reading, cannotTell)
  },
})
