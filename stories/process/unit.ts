import { count, duration, milliseconds, say, type Text, z } from 'healthz'
import type { UnitState } from './systemd.ts'
import { step } from './target.ts'
import { startUnit } from './unit-cures.ts'

/** Samples of the restart counter, the newest last. */
type Counted = readonly (readonly [at: number, restarts: number])[]

/** The unit does what systemd was told it should. */
export const unit = step({
  title: say`the systemd unit runs and stays up`,
  on: (options) => options.unit !== undefined,
  limits: z.strictObject({
    restarts: z.int().min(1).default(3),
    window: duration('10m'),
    steady: duration('30s').describe('how long it must stay up after a cure'),
  }),
  cures: [
    { title: say`start the failed unit with systemd`, consent: 'auto' },
    { title: say`reset the start limit of the unit and start it`, consent: 'ask' },
  ],
  async check({ target, options, limits, signal, now, recall, remember, note, problem }) {
    const name = options.unit ?? ''
    const state = await target.systemd.show(name, signal)
    note(say`${name} is ${state.active} (${state.sub})`)
    const evidence = { unit: name, result: state.result, exitStatus: state.exitStatus }

    const counted = [
      ...recentOf(recall<Counted>()?.value ?? [], state.restarts),
      [now(), state.restarts],
    ] as const
    remember(counted.slice(-20))
    const restarts = restartsWithin(counted, limits.window)

    if (state.load === 'not-found') {
      return problem({
        severity: 'critical',
        confirm: 1,
        summary: say`systemd knows no unit ${name}`,
        advice: say`correct the name in the configuration, or install the service`,
        evidence,
      })
    }
    if (state.active === 'failed') {
      return problem({
        severity: 'critical',
        summary: say`${name} has failed: ${whyFailed(state)}`,
        advice: say`see why with: journalctl -u ${name} -n 50; then run: systemctl start ${name}`,
        evidence,
        resolve: startUnit(target.systemd, name, state, limits.steady),
      })
    }
    if (state.active === 'activating' && state.sub === 'auto-restart') {
      return problem({
        severity: 'critical',
        confirm: 3,
        summary: say`${name} is down: systemd waits before starting it again (${whyFailed(state)})`,
        advice: say`see why it ends with: journalctl -u ${name} -n 50`,
        evidence,
      })
    }
    if (restarts >= limits.restarts) {
      return problem({
        severity: 'warning',
        confirm: 1,
        summary: say`systemd has restarted ${name} ${count(restarts, 'time')} within ${milliseconds(limits.window)} (limit ${limits.restarts})`,
        advice: say`see why it ends with: journalctl -u ${name} -n 50`,
        evidence: { ...evidence, restarts },
      })
    }
    if (state.active !== 'inactive' || state.fileState !== 'enabled' || state.type === 'oneshot') return
    problem({
      severity: 'warning',
      summary: say`${name} is enabled, but does not run`,
      advice: say`somebody stopped it, or it ended by itself: if it should run, systemctl start ${name}; if not, systemctl disable ${name}`,
      evidence,
    })
  },
})

/** Why a unit failed, from the result that systemd keeps. */
function whyFailed({ result, exitStatus }: UnitState): Text {
  switch (result) {
    case 'exit-code':
      return say`it ended with exit code ${String(exitStatus)}`
    case 'signal':
    case 'core-dump':
      return say`it was ended by signal ${String(exitStatus)}`
    case 'oom-kill':
      return say`the kernel killed it for lack of memory`
    case 'timeout':
      return say`it did not start or stop in time`
    case 'watchdog':
      return say`it stopped answering systemd's watchdog`
    case 'start-limit-hit':
      return say`it was started too often in a short time`
    default:
      return say`systemd gives the reason ${result}`
  }
}

/** The counter begins anew when a person starts the unit. */
function recentOf(counted: Counted, restarts: number): Counted {
  return counted.some(([, before]) => before > restarts) ? [] : counted
}

/** Restarts in the window; where the samples reach back further, the share of them that falls into it. */
export function restartsWithin(counted: Counted, window: number): number {
  const [at, restarts] = counted.at(-1) ?? [0, 0]
  const [baseAt, base] = counted.findLast(([then]) => at - then >= window) ?? counted[0] ?? [at, restarts]
  return Math.round(((restarts - base) * window) / Math.max(window, at - baseAt))
}
