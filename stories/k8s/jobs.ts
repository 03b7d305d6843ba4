import { CannotTell, duration, milliseconds, type Problem, say, tellSome, time, z } from 'healthz'
import { conditionOf, cronJobShape, jobShape } from './objects.ts'
import { parseSchedule, secondRunAfter } from './schedule.ts'
import { eachKind, step } from './target.ts'

/** Jobs end well, and those that are scheduled do so in time. */
export const jobs = step({
  title: say`jobs succeed, and in time`,
  limits: z.strictObject({
    grace: duration('10m').describe('how long a scheduled job may take'),
    failedWithin: duration('24h').describe('how long a failed job is told'),
  }),
  confirm: 1,
  async check({ target, limits, signal, problem, cannotTell }) {
    const crons = await target.list('/apis/batch/v1', 'cronjobs', cronJobShape, signal).catch((error) => {
      if (error instanceof CannotTell) return error
      throw error
    })
    const late = async (): Promise<readonly Problem[]> => {
      if (crons instanceof CannotTell) throw crons
      return crons.items.flatMap((cron): readonly Problem[] => {
        const since = cron.succeededAt ?? cron.createdAt
        if (cron.isSuspended || since === null) return []
        const due = secondRunAfter(cron.schedule, cron.timeZone, since)
        if (due === null || crons.at < due + limits.grace) return []
        const name = `${cron.namespace}/${cron.name}`
        return [
          {
            key: `CronJob ${name}`,
            severity: 'warning',
            summary:
              cron.succeededAt === null
                ? say`the CronJob ${name} has never succeeded since it was made ${milliseconds(crons.at - since)} ago, and was due twice since`
                : say`the CronJob ${name} succeeded last ${milliseconds(crons.at - since)} ago (${time(since)}), and was due twice since`,
            advice: say`see its jobs and why they fail or do not start: kubectl get jobs -n ${cron.namespace}, and: kubectl describe cronjob ${cron.name} -n ${cron.namespace}`,
            evidence: {
              namespace: cron.namespace,
              name: cron.name,
              schedule: cron.schedule,
              succeededAt: cron.succeededAt,
            },
          },
        ]
      })
    }
    const failed = async (): Promise<readonly Problem[]> => {
      const { items, at } = await target.list('/apis/batch/v1', 'jobs', jobShape, signal)
      const successes = new Map(
        crons instanceof CannotTell
          ? []
          : crons.items.map(({ namespace, name, succeededAt }) => [`${namespace}/${name}`, succeededAt]),
      )
      return items.flatMap((job): readonly Problem[] => {
        const failure = conditionOf(job.conditions, 'Failed')
        if (failure?.status !== 'True' || failure.since === null || at - failure.since > limits.failedWithin)
          return []
        // A later run that succeeded has made up for it.
        const success = job.owner === null ? null : (successes.get(`${job.namespace}/${job.owner}`) ?? null)
        if (success !== null && success > failure.since) return []
        const name = `${job.namespace}/${job.name}`
        return [
          {
            key: `Job ${job.namespace}/${job.owner ?? job.name}`,
            severity: 'warning',
            summary: say`the job ${name} failed ${milliseconds(Math.max(0, at - failure.since))} ago: ${failure.reason}`,
            advice: say`see why: kubectl logs job/${job.name} -n ${job.namespace}; delete the job once it is mended or done by hand`,
            evidence: { namespace: job.namespace, name: job.name, reason: failure.reason },
          },
        ]
      })
    }
    const unread = async (): Promise<readonly Problem[]> => {
      const odd =
        crons instanceof CannotTell
          ? []
          : crons.items.filter(({ schedule }) => parseSchedule(schedule) === null)
      if (odd.length === 0) return []
      throw new CannotTell(
        say`the schedules of these cannot be read: ${odd.slice(0, 10).map(({ namespace, name }) => `${namespace}/${name}`)}`,
      )
    }
    const { found, untold } = await eachKind([late, failed, unread])
    tellSome([...new Map(found.map((one) => [one.key, one])).values()], problem)
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})
