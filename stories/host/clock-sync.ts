import { type Cure, DidNotHelp, duration, milliseconds, say, z } from 'healthz'
import { clockServices, isSynchronized, makeStep } from './ntp.ts'
import { step } from './target.ts'

/** Since when the clock is seen unsynchronized. */
interface Unsynchronized {
  readonly since: number | null
}

/** A clock that drifts breaks certificates, tokens and leases. */
export const clockSync = step({
  title: say`the clock follows its time servers`,
  limits: z.strictObject({ longest: duration('30m') }),
  confirm: 1,
  cures: [{ title: say`set the clock at once with chronyc makestep`, consent: 'ask' }],
  async check({ target, limits, signal, now, recall, remember, note, problem, cannotTell }) {
    const running = new Set((await target.processes()).map(({ comm }) => comm))
    const service = clockServices.find((name) => running.has(name))
    // Containers and many virtual machines take their host's clock and run none, which is fine.
    if (service === undefined) return note(say`no time service runs here`)
    const isGood = await isSynchronized(service, signal)
    if (isGood === null)
      return cannotTell(say`${service} runs, but does not say whether the clock is synchronized`)
    const since = isGood ? null : (recall<Unsynchronized>()?.value.since ?? now())
    remember({ since } satisfies Unsynchronized)
    if (since === null || now() - since <= limits.longest) return
    problem({
      severity: 'warning',
      summary: say`the clock has not been synchronized for ${milliseconds(now() - since)} (limit ${milliseconds(limits.longest)})`,
      advice: say`see whether ${service} reaches its servers: chronyc sources -v, or timedatectl timesync-status; UDP port 123 must be open outwards`,
      evidence: { service },
      ...(service === 'chronyd' && { resolve: stepCure }),
    })
  },
})

const stepCure: Cure = {
  title: say`set the clock at once with chronyc makestep`,
  consent: 'ask',
  target: 'clock',
  settle: 5000,
  async run({ signal }) {
    if (!(await makeStep(signal)))
      throw new DidNotHelp(say`chronyc refused: the watchman's user may not set the clock`)
  },
}
