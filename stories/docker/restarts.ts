import { count, duration, milliseconds, say, tellSome, z } from 'healthz'
import type { Container } from './container.ts'
import { step } from './target.ts'

/** The restart counter of a container at some looks, the newest last. */
type Counted = readonly (readonly [at: number, restarts: number])[]

/** A container that its policy starts again and again looks fine at most looks. */
export const restarts = step({
  title: say`no container is restarted again and again`,
  limits: z.strictObject({
    warnRestarts: z.int().min(1).default(3),
    critRestarts: z.int().min(1).default(10),
    window: duration('10m'),
  }),
  // Several restarts were seen already.
  confirm: 1,
  async check({ target, limits, signal, recall, remember, problem }) {
    const { containers, at } = await target.look(signal)
    const before = recall<Readonly<Record<string, Counted>>>()?.value ?? {}
    const after = Object.fromEntries(
      containers
        .filter(({ policy, restarts }) => policy !== 'no' || restarts > 0)
        .map((container) => [container.id, counted(before[container.id], container, at, limits.window)]),
    )
    remember(after)
    const flapping = containers.flatMap((container) => {
      const { id, name, exitCode } = container
      const restarts = restartsWithin(after[id] ?? [], limits.window)
      if (restarts < limits.warnRestarts) return []
      const severity = restarts >= limits.critRestarts ? ('critical' as const) : ('warning' as const)
      return {
        key: name,
        severity,
        summary: say`${name} was restarted ${count(restarts, 'time')} within ${milliseconds(limits.window)} (limit ${limits.warnRestarts})`,
        advice: say`it ends some time after each start, and its restart policy hides that: see the end of its log (docker logs --tail 50 ${name})`,
        evidence: { container: name, restarts, restartsInAll: container.restarts, exitCode },
      }
    })
    tellSome(flapping, problem)
  },
})

/** A start by a person begins the counter anew, and so does a container that was made within the window. */
function counted(before: Counted | undefined, now: Container, at: number, window: number): Counted {
  const { restarts, createdAt } = now
  const last = before?.at(-1)
  if (before === undefined || last === undefined || restarts < last[1] || at < last[0]) {
    const isNew = before === undefined && createdAt !== null && at - createdAt < window
    return isNew
      ? [
          [createdAt, 0],
          [at, restarts],
        ]
      : [[at, restarts]]
  }
  // The newest sample that is older than the window is the one to count from.
  const base = before.findLastIndex(([then]) => at - then >= window)
  return [...before.slice(Math.max(0, base)).slice(-60), [at, restarts]]
}

/** Restarts in the window; where the samples reach back further, the share of them that falls into it. */
function restartsWithin(samples: Counted, window: number): number {
  const [[firstAt, first], [lastAt, last]] = [samples[0] ?? [0, 0], samples.at(-1) ?? [0, 0]]
  return Math.round(((last - first) * window) / Math.max(window, lastAt - firstAt))
}
