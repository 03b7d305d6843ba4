import { duration, milliseconds, say, seconds, z } from 'healthz'
import { isListed, states } from './program.ts'
import { startCure } from './start.ts'
import { step } from './target.ts'

/** A program that a person stopped is not started by itself; people are reminded of it. */
export const stopped = step({
  title: say`no program was stopped and forgotten`,
  limits: z.strictObject({ stoppedMax: duration('24h') }),
  cures: [{ title: say`start the program that a person stopped`, consent: 'ask' }],
  async check({ target, options, limits, signal, note, problem }) {
    const down = (await target.programs(signal)).filter(({ state }) => state === states.stopped)
    if (down.length === 0) return
    const settings = await target.settings(signal)
    for (const program of down) {
      const { name, start, stop, now } = program
      const mustRun = isListed(options.expectRunning, program)
      const length = now - stop
      const isForgotten = start > 0 && length * 1000 > limits.stoppedMax
      if (!mustRun && !isForgotten) {
        if (start > 0) note(say`${name} was stopped by a person ${seconds(length)} ago`)
        continue
      }
      const limit = mustRun ? say`it should run` : say`limit ${milliseconds(limits.stoppedMax)}`
      problem({
        key: name,
        severity: mustRun ? 'critical' : 'warning',
        summary:
          start > 0
            ? say`${name} was stopped by a person ${seconds(length)} ago (${limit})`
            : say`${name} was never started (${limit})`,
        advice: say`ask who stopped it and why; if it should run: supervisorctl start ${name}`,
        evidence: { program: name, stoppedAt: stop === 0 ? null : stop },
        resolve: startCure({
          supervisor: target,
          program,
          consent: 'ask',
          from: [states.stopped],
          startSeconds: settings?.get(name)?.startSeconds ?? 1,
          mustRun,
        }),
      })
    }
  },
})
