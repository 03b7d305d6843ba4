import { count, duration, milliseconds, say, type Text, tellSome, z } from 'healthz'
import type { Container } from './container.ts'
import { step } from './target.ts'

interface Sample {
  /** The end of the last look at the events, in ms on the engine's clock. */
  readonly until: number
  /** By container: when kills were seen. */
  readonly kills: Readonly<Record<string, readonly number[]>>
}

/**
 * Containers that outgrew their memory. The engine keeps only its last 256 events, and the state of a container knows
 * of its last run alone: both are asked. With cgroup v1 both may miss the kill that ends a container.
 */
export const oom = step({
  title: say`the kernel had to kill nothing in a container`,
  limits: z.strictObject({ within: duration('1h') }),
  // A kill is a fact; it does not happen again at the next look.
  confirm: 1,
  async check({ target, limits, signal, recall, remember, note, problem }) {
    const { containers, at } = await target.look(signal)
    const before = recall<Sample>()?.value
    const isContinued = before !== undefined && before.until <= at
    const since = isContinued ? Math.max(before.until, at - limits.within) : at - limits.within
    const path = `/events?since=${inSeconds(since)}&until=${inSeconds(at)}&filters=${encodeURIComponent(filters)}`
    const { value } = await target.api.lines(path, eventShape, signal)
    const fresh = Map.groupBy(value, ({ Actor }) => Actor.ID)
    const kills = Object.fromEntries(
      containers.flatMap((container) => {
        const { id } = container
        const known = (isContinued ? (before.kills[id] ?? []) : []).filter(
          (then) => at - then <= limits.within,
        )
        const events = (fresh.get(id) ?? []).map(({ timeNano, time }) =>
          timeNano === undefined ? time * 1000 : Math.floor(timeNano / 1e6),
        )
        const seen = [...new Set([...known, ...events])]
        const all = seen.length > 0 ? seen : flagged(container, at, limits.within)
        return all.length === 0 ? [] : [[id, all.slice(-100)] as const]
      }),
    )
    remember({ until: at, kills } satisfies Sample)
    note(say`${count(containers.length, 'container')}`)
    const killed = containers.flatMap((container) => {
      const { id, name, status, restarts } = container
      const times = kills[id] ?? []
      if (times.length === 0) return []
      const ago = milliseconds(Math.max(0, at - Math.max(...times)))
      return {
        key: name,
        severity: 'critical' as const,
        summary: say`the kernel killed ${count(times.length, 'process', 'processes')} in ${name} for lack of memory within ${milliseconds(limits.within)}, the last one ${ago} ago (${stateOf(container)})`,
        advice: say`give it more memory (docker update --memory, or its compose file), or find what grows in it: docker stats ${name}`,
        evidence: { container: name, kills: times.length, state: status, restarts },
      }
    })
    tellSome(killed, problem)
  },
})

const filters = JSON.stringify({ type: ['container'], event: ['oom'] })

const eventShape = z.looseObject({
  Actor: z.looseObject({ ID: z.string() }),
  time: z.number(),
  timeNano: z.number().optional(),
})

const inSeconds = (ms: number) => (ms / 1000).toFixed(3)

/** What the container's own state says of its last end. */
function flagged({ isOomKilled, finishedAt }: Container, at: number, within: number): readonly number[] {
  return isOomKilled && finishedAt !== null && at - finishedAt <= within ? [finishedAt] : []
}

function stateOf({ status }: Container): Text {
  if (status === 'running') return say`it runs`
  return status === 'restarting' ? say`it is being restarted` : say`it is down`
}
