import { setTimeout as delay } from 'node:timers/promises'
import {
  CannotTell,
  type Cure,
  DidNotHelp,
  type RunOutput,
  restartSupervised,
  runProgram,
  say,
  startSupervised,
  type Text,
} from 'healthz'
import type { ResolveWith } from './resolve-with.ts'
import { isDown, type Site } from './target.ts'
import { isThisHost } from './this-host.ts'

/** Starts or restarts what serves the page, and waits until it answers. */
export function bringBack(how: ResolveWith, site: Site, host: string): Cure {
  return {
    title: titleOf(how),
    consent: 'ask',
    target: `http ${site.address}`,
    within: 120_000,
    async run({ signal }) {
      const before = await site.failure(signal)
      if (before === null) return
      if (!isDown(before)) throw new DidNotHelp(say`by now something else is wrong: ${before.summary}`)
      if (isOfThisHost(how) && !(await isThisHost(host))) {
        throw new DidNotHelp(
          say`${host} is not this host: let the entry be told where its server runs (scope: node, with a role)`,
        )
      }
      if (how.by === 'unit') await restartUnit(how.unit, signal)
      else if (how.by === 'command') await runCommand(how.argv, signal)
      else if (before.kind === 'refused') await startSupervised(how, signal)
      else await restartSupervised(how, signal)
      await mustAnswer(site, signal)
    },
  }
}

function titleOf(how: ResolveWith): Text {
  if (how.by === 'unit') return say`restart ${how.unit} with systemd`
  if (how.by === 'supervisor') return say`start or restart ${how.program} with supervisord`
  return say`run the configured command, ${how.argv[0]}`
}

/** systemd, and a supervisord that is asked by its socket, keep the programs of this host only. */
function isOfThisHost(how: ResolveWith): boolean {
  return how.by === 'unit' || (how.by === 'supervisor' && how.supervisor.url.protocol === 'unix:')
}

async function runCommand(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<void> {
  const { code } = await run(argv, signal)
  if (code !== 0) throw new DidNotHelp(say`the command ${argv[0]} ended with ${String(code)}`)
}

/** A unit that a person stopped is inactive without having failed, and stays so. */
async function restartUnit(unit: string, signal: AbortSignal): Promise<void> {
  const show = await run(['systemctl', 'show', '-p', 'LoadState,ActiveState', '--', unit], signal)
  if (show.code !== 0) throw new DidNotHelp(say`systemd does not answer on this host`)
  if (!/^LoadState=loaded$/m.test(show.stdout)) throw new DidNotHelp(say`systemd knows no unit ${unit}`)
  if (/^ActiveState=inactive$/m.test(show.stdout))
    throw new DidNotHelp(say`somebody has stopped ${unit}, so it was left alone`)
  const { code } = await run(['systemctl', '--no-ask-password', 'restart', '--', unit], signal)
  if (code === 0) return
  throw new DidNotHelp(
    say`systemctl ${'restart'} ended with exit status ${String(code)}: the unit failed again, or the watchman's user may not manage units (polkit)`,
  )
}

async function run(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<RunOutput> {
  try {
    return await runProgram(argv, { timeout: 60_000, signal })
  } catch (error) {
    throw error instanceof CannotTell ? new DidNotHelp(error.reason) : error
  }
}

async function mustAnswer(site: Site, signal: AbortSignal): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    await delay(1000, undefined, { signal })
    const failure = await site.failure(signal)
    if (failure === null) return
    if (looks >= mostLooks) throw new DidNotHelp(say`it was done, but ${failure.summary}`)
  }
}

/** A second apart, and each as long as the timeout of the entry at most. */
const mostLooks = 10
