import { say } from 'healthz'
import { queuesOf, registeredOf } from './answers.ts'
import { step } from './target.ts'

/** The workers of one queue know the same tasks. */
export const registered = step({
  title: say`the workers of one queue know the same tasks`,
  on: false,
  confirm: 5,
  async check({ target, options, signal, problem }) {
    const [queues, tasks] = await Promise.all([
      target.ask('active_queues', signal),
      target.ask('registered', signal),
    ])
    const [taken, known] = [queuesOf(queues), registeredOf(tasks)]
    for (const queue of options.queues) {
      const workers = [...taken].flatMap(([worker, names]) =>
        names.includes(queue) && known.has(worker) ? worker : [],
      )
      const all = new Set(workers.flatMap((worker) => known.get(worker) ?? []))
      const poor = workers.flatMap((worker) => {
        const lacks = [...all].filter((task) => known.get(worker)?.includes(task) === false)
        return lacks.length === 0 ? [] : { worker, lacks }
      })
      const [first] = poor
      if (first === undefined) continue
      problem({
        key: queue,
        severity: 'warning',
        summary: say`${poor.length} of ${workers.length} workers of ${queue} do not know all of its tasks: ${first.worker} lacks ${first.lacks.slice(0, mostNamed)}`,
        advice: say`bring all workers of this queue to the same version of the application, and restart them`,
        evidence: {
          queue,
          workers: poor
            .map(({ worker }) => worker)
            .slice(0, mostNamed)
            .join(', '),
        },
      })
    }
  },
})

const mostNamed = 10
