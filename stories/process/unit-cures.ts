import { setTimeout as delay } from 'node:timers/promises'
import { type Cure, DidNotHelp, say } from 'healthz'
import type { Systemd, UnitState } from './systemd.ts'

/** Starts a failed unit, which must then stay up for `steady` ms. One that systemd itself gave up needs a person's word. */
export function startUnit(systemd: Systemd, unit: string, { result }: UnitState, steady: number): Cure {
  const isGivenUp = result === 'start-limit-hit'
  return {
    title: isGivenUp
      ? say`reset the start limit of ${unit} and start it with systemd`
      : say`start ${unit} with systemd`,
    consent: isGivenUp ? 'ask' : 'auto',
    target: `systemd ${unit}`,
    within: steady + 90_000,
    async run({ signal }) {
      const { active } = await systemd.show(unit, signal)
      if (active === 'active' || active === 'activating') return
      if (active !== 'failed')
        throw new DidNotHelp(say`somebody has stopped ${unit} in the meantime, so it was left alone`)
      if (isGivenUp) await demand(systemd, 'reset-failed', unit, signal)
      await demand(systemd, 'start', unit, signal)
      await mustStayUp(systemd, unit, steady, signal)
    },
  }
}

/** Restarts a unit that a person agreed to have restarted. */
export function restartUnit(systemd: Systemd, unit: string, steady: number): Cure {
  return {
    title: say`restart ${unit} with systemd`,
    consent: 'ask',
    target: `systemd ${unit}`,
    within: steady + 90_000,
    async run({ signal }) {
      await demand(systemd, 'restart', unit, signal)
      await mustStayUp(systemd, unit, steady, signal)
    },
  }
}

async function demand(
  systemd: Systemd,
  verb: Parameters<Systemd['act']>[0],
  unit: string,
  signal: AbortSignal,
): Promise<void> {
  const status = await systemd.act(verb, unit, signal)
  if (status === 0) return
  throw new DidNotHelp(
    say`systemctl ${verb} ended with exit status ${String(status)}: the unit failed again, or the watchman's user may not manage units (polkit)`,
  )
}

async function mustStayUp(systemd: Systemd, unit: string, ms: number, signal: AbortSignal): Promise<void> {
  const { restarts } = await systemd.show(unit, signal)
  for (let waited = 0; ; waited += 1000) {
    const state = await systemd.show(unit, signal)
    if (state.type === 'oneshot' && state.active === 'inactive' && state.result === 'success') return
    if (state.active === 'failed' || state.restarts > restarts)
      throw new DidNotHelp(say`${unit} did not stay up after the start`)
    if (waited >= ms) return
    await delay(1000, undefined, { signal })
  }
}
