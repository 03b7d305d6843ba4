import { milliseconds, say } from 'healthz'
import { type ActiveTask, activeOf } from './answers.ts'
import type { Options } from './options.ts'
import { step } from './target.ts'

/** No task holds its slot for too long. To end one is left to people: it may be in the middle of its work. */
export const longTask = step({
  title: say`no task runs too long`,
  on: ({ taskMax }) => taskMax !== undefined,
  async check({ target, options, signal, now, note, problem, cannotTell }) {
    const tasks = [...activeOf(await target.ask('active', signal))].flatMap(([worker, active]) =>
      active.map((task) => ({ ...task, worker, age: ageOf(task, now()), most: mostOf(task, options) })),
    )
    const late = tasks.filter(({ age, most }) => age !== null && most !== null && age > most)
    for (const { id, name, worker, pid, age, most } of late.slice(0, mostTold)) {
      problem({
        key: id,
        severity: 'warning',
        summary: say`${name} has been running for ${milliseconds(age ?? 0)} on ${worker} (limit ${milliseconds(most ?? 0)})`,
        advice: say`see what the process ${String(pid ?? '?')} of ${worker} waits for; give the task a time_limit`,
        evidence: { task: name, id, worker, pid },
      })
    }
    if (late.length > mostTold) note(say`${late.length - mostTold} more tasks run too long`)
    if (tasks.some(({ start }) => start !== null && start < wallClock))
      cannotTell(say`this version of Celery does not tell by the wall clock when a task began`)
  },
})

const mostTold = 20

/** Seconds: anything before September 2001 is no wall time. */
const wallClock = 1e9

const ageOf = ({ start }: ActiveTask, now: number) =>
  start === null || start < wallClock ? null : now - start * 1000

const mostOf = ({ name }: ActiveTask, { taskMax = {} }: Options) => taskMax[name] ?? taskMax['*'] ?? null
