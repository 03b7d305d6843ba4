import { count, type ProcessStat, say, type Text, time, z } from 'healthz'
import { startCommand } from './start-command.ts'
import { step } from './target.ts'

/** The last process that was seen, and when. */
interface LastSeen {
  readonly pid: number
  readonly at: number
}

/** As many processes run as should. */
export const running = step({
  title: say`as many processes run as should`,
  on: ({ pattern }) => pattern !== undefined,
  limits: z.strictObject({
    min: z.int().min(0).default(1),
    max: z.int().min(0).optional(),
  }),
  cures: [{ title: say`run the configured start command`, consent: 'ask' }],
  async check({ target, options, limits, signal, now, recall, remember, note, problem }) {
    const pattern = options.pattern ?? ''
    const found = await target.find(signal)
    const last = recall<LastSeen>()?.value ?? null
    if (found[0] !== undefined) remember({ pid: oldestOf(found)?.pid, at: now() })
    note(say`${count(found.length, 'process', 'processes')}`)
    const [evidence, processes] = [{ count: found.length }, count(found.length, 'process', 'processes')]
    if (found.length < limits.min) {
      problem({
        severity: 'critical',
        summary: say`${processes} match "${pattern}" (at least ${limits.min} should)`,
        advice: last === null ? say`start it, and see in its log why it ended` : lastSeen(last),
        evidence,
        ...(options.start !== undefined && {
          resolve: startCommand(options.start, async () => (await target.find(signal)).length >= limits.min),
        }),
      })
    }
    if (limits.max === undefined || found.length <= limits.max) return
    problem({
      severity: 'warning',
      summary: say`${processes} match "${pattern}" (at most ${limits.max} should)`,
      advice: say`it may have been started twice: end the older ones, ${found.slice(0, 10).map(({ pid }) => String(pid))}`,
      evidence,
    })
  },
})

function lastSeen({ pid, at }: LastSeen): Text {
  return say`start it, and see in its log why it ended: process ${String(pid)} was last seen at ${time(at)}`
}

/** Of a service with children, the parent. */
export function oldestOf(found: readonly ProcessStat[]): ProcessStat | undefined {
  return found.toSorted((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)[0]
}
