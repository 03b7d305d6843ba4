import { count, milliseconds, say, type Text, z } from 'healthz'
import { statsOf } from './answers.ts'
import { step } from './target.ts'
import type { Broker } from './workers.ts'

const limits = z.strictObject({
  max: z.int().min(0).default(10_000),
  queues: z
    .record(z.string(), z.int().min(0))
    .meta({ description: 'another limit for these, by name' })
    .default({}),
})

/** No queue of tasks is long and stays long. */
export const queue = step({
  title: say`no queue of tasks piles up`,
  limits,
  // It is told after several tellings anyway.
  confirm: 1,
  async check({ target, options, limits, signal, now, recall, remember, grade, note, problem, cannotTell }) {
    const depths = await Promise.all(
      options.queues.map(async (name) => [name, await target.depth(name)] as const),
    )
    const handedOut = (await target.redis?.handedOut()) ?? null
    const before = recall<Readonly<Record<string, readonly Length[]>>>()?.value ?? {}
    const after: Record<string, readonly Length[]> = {}
    for (const [name, depth] of depths) {
      if (depth === null) continue
      const max = limits.queues[name] ?? limits.max
      const lengths = [...(before[name] ?? []), { at: now(), waiting: depth.waiting }].slice(-remembered)
      after[name] = lengths
      const severity = grade(depth.waiting, { warning: max, critical: max * 10 }, name)
      const held = count(depth.waiting, 'task')
      if (severity === null) continue
      if (isShrinking(lengths)) {
        note(say`${name} holds ${held} and shrinks`)
        continue
      }
      if (lengths.length < remembered) {
        note(say`${name} holds ${held} (limit ${max}); it is told if it does not shrink`)
        continue
      }
      const slots = await slotsOf(target, signal)
      problem({
        key: name,
        severity,
        summary: say`${name} holds ${held} (limit ${max})${growthOf(lengths)}`,
        advice: adviceFor(slots),
        evidence: { queue: name, waiting: depth.waiting, consumers: depth.consumers, handedOut, slots },
      })
    }
    remember(after)
    const waiting = depths.reduce((total, [, depth]) => total + (depth?.waiting ?? 0), 0)
    note(say`${count(waiting, 'task')} wait in ${count(options.queues.length, 'queue')}`)
    if (handedOut !== null)
      note(say`${count(handedOut, 'task')} of all queues of this database are handed out`)
    const absent = depths.flatMap(([name, depth]) => (depth === null ? name : []))
    if (absent.length > 0)
      cannotTell(
        say`the broker has no queue ${absent}: no worker has declared it; correct the option "queues"`,
      )
  },
})

interface Length {
  readonly at: number
  readonly waiting: number
}

const remembered = 3

function isShrinking(lengths: readonly Length[]): boolean {
  const [first, last] = [lengths[0], lengths.at(-1)]
  return first !== undefined && last !== undefined && last.waiting < first.waiting
}

function growthOf(lengths: readonly Length[]): Text {
  const [first, last] = [lengths[0], lengths.at(-1)]
  if (first === undefined || last === undefined) return ''
  const grown = last.waiting - first.waiting
  return say`, ${grown} more than ${milliseconds(last.at - first.at)} ago`
}

/** How many tasks the workers that answer run at the same time; null where none answers. */
async function slotsOf(target: Broker, signal: AbortSignal): Promise<number | null> {
  const stats = [...statsOf(await target.ask('stats', signal)).values()]
  return stats.length === 0 ? null : stats.reduce((total, { slots }) => total + (slots ?? 0), 0)
}

function adviceFor(slots: number | null): Text {
  if (slots === null) return say`no worker answers: start the workers`
  return say`the workers that answer run ${count(slots, 'task')} at a time: see why their tasks are slow, raise -c or start more workers`
}
