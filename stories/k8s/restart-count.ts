import type { Pod, PodContainer } from './objects.ts'

/** The restart counter of a container when it was seen to move, the newest last. */
export type Counted = readonly (readonly [at: number, restarts: number])[]

/** A pod that was made within the hour began with 0; of an older one, only what is seen to move counts. */
export function countedAfter(
  before: Counted | undefined,
  { createdAt }: Pick<Pod, 'createdAt'>,
  { restarts }: Pick<PodContainer, 'restarts'>,
  at: number,
): Counted {
  const last = before?.at(-1)
  if (before === undefined || last === undefined) {
    const isNew = createdAt !== null && at - createdAt <= 3_600_000
    return isNew
      ? [
          [createdAt, 0],
          [at, restarts],
        ]
      : [[at, restarts]]
  }
  return last[1] === restarts ? before : [...before, [at, restarts] as const].slice(-30)
}

/** How often it moved within the window. */
export function restartsWithin(counted: Counted, at: number, window: number): number {
  const last = counted.at(-1)
  if (last === undefined) return 0
  const base = counted.findLast(([then]) => at - then > window) ?? counted[0] ?? last
  return last[1] - base[1]
}
