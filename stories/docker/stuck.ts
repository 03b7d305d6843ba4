import { duration, milliseconds, say, tellSome, z } from 'healthz'
import { step } from './target.ts'

/** By container: since when it is seen in a state that should pass. */
type Stuck = Readonly<Record<string, { readonly status: string; readonly since: number }>>

/** A container that is paused does nothing, and one that cannot be removed holds its name and its ports. */
export const stuck = step({
  title: say`no container is paused for long or cannot be removed`,
  limits: z.strictObject({ pausedMax: duration('1h'), removingMax: duration('10m') }),
  // It has lasted that long.
  confirm: 1,
  async check({ target, limits, signal, recall, remember, note, problem }) {
    const { containers, at } = await target.look(signal)
    const before = recall<Stuck>()?.value ?? {}
    const held = containers.flatMap((container) => {
      const { id, name, status } = container
      if (status !== 'paused' && status !== 'removing' && status !== 'dead') return []
      const earlier = before[id]
      return { id, name, status, since: earlier?.status === status ? earlier.since : at }
    })
    remember(Object.fromEntries(held.map(({ id, status, since }) => [id, { status, since }])))
    for (const { name, status } of held) note(say`${name} is in the state ${status}`)
    tellSome(
      held.flatMap(({ name, status, since }) => {
        const [age, limit] = [at - since, status === 'paused' ? limits.pausedMax : limits.removingMax]
        if (age < limit) return []
        const times = say`${milliseconds(age)} (limit ${milliseconds(limit)})`
        return {
          key: name,
          severity: 'warning' as const,
          summary:
            status === 'paused'
              ? say`${name} has been paused for ${times} and does nothing`
              : say`${name} has been in the state ${status} for ${times}: the engine cannot remove it`,
          advice:
            status === 'paused'
              ? say`ask who paused it and why; if it should run: docker unpause ${name}`
              : say`something holds its files: look for processes that are left (docker top ${name}) and mounts, then remove it by hand: docker rm -f ${name}`,
          evidence: { container: name, state: status },
        }
      }),
      problem,
    )
  },
})
