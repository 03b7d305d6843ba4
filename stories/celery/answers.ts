import { CannotTell, say, z } from 'healthz'
import type { Answers } from './workers.ts'

/** What Celery says of a worker (`stats`), as far as it matters here. */
export interface Stats {
  /** Tasks begun since the worker started. */
  readonly total: number
  /** How many tasks it runs at the same time; null where it does not tell. */
  readonly slots: number | null
  /** Whether it answers only between two tasks. */
  readonly isSolo: boolean
}

/** A task at work. Its arguments are left out: they may hold anything. */
export interface ActiveTask {
  readonly id: string
  readonly name: string
  /** Wall seconds of the worker; null where it has not begun. */
  readonly start: number | null
  readonly pid: number | null
}

/** @throws CannotTell where a worker answers in another form */
export const statsOf = (answers: Answers) => parsed(answers, statsShape)
export const activeOf = (answers: Answers) => parsed(answers, activeShape)
export const queuesOf = (answers: Answers) => parsed(answers, queuesShape)
export const registeredOf = (answers: Answers) => parsed(answers, registeredShape)

function parsed<T>({ replies }: Answers, shape: z.ZodType<T>): ReadonlyMap<string, T> {
  return new Map(
    [...replies].map(([worker, answer]) => {
      const { success, data } = shape.safeParse(answer)
      if (!success)
        throw new CannotTell(say`the worker ${worker} answers in another form, or not to this question`)
      return [worker, data]
    }),
  )
}

const statsShape = z
  .looseObject({
    total: z.record(z.string(), z.number()),
    pid: z.number().optional(),
    pool: z
      .looseObject({
        'max-concurrency': z.number().optional(),
        implementation: z.string().optional(),
        processes: z.array(z.number()).optional(),
      })
      .optional(),
  })
  .transform(
    ({ total, pid, pool }): Stats => ({
      total: Object.values(total).reduce((sum, times) => sum + times, 0),
      slots: pool?.['max-concurrency'] ?? null,
      // Older versions do not name the pool: only this one's process is the worker itself.
      isSolo: pool?.implementation?.includes('solo') ?? (pid !== undefined && pool?.processes?.[0] === pid),
    }),
  )

const activeShape = z.array(
  z
    .looseObject({
      id: z.string(),
      name: z.string().nullish(),
      time_start: z.number().nullish(),
      worker_pid: z.number().nullish(),
    })
    .transform(
      ({ id, name, time_start, worker_pid }): ActiveTask => ({
        id,
        name: name ?? '',
        start: time_start ?? null,
        pid: worker_pid ?? null,
      }),
    ),
)

const queuesShape = z
  .array(z.looseObject({ name: z.string() }))
  .transform((queues) => queues.map(({ name }) => name))

/** Each with what is special about it in brackets. */
const registeredShape = z
  .array(z.string())
  .transform((tasks) => tasks.map((task) => task.replace(/ \[.*$/, '')))

/** The workers that answer only between two tasks; one that answers in another form is none. */
export function soloOf({ replies }: Answers): readonly string[] {
  return [...replies].flatMap(([worker, answer]) =>
    statsShape.safeParse(answer).data?.isSolo === true ? worker : [],
  )
}
