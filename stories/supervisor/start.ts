import { setTimeout as delay } from 'node:timers/promises'
import { type Cure, DidNotHelp, say, XmlRpcFault } from 'healthz'
import { hasFailed, type Program, states, whyDown } from './program.ts'
import type { Supervisor } from './target.ts'

export interface StartOrder {
  readonly supervisor: Supervisor
  readonly program: Program
  readonly consent: Cure['consent']
  /** The states it may be started from. A program that a person stopped is in none of them, unless a person asks. */
  readonly from: readonly number[]
  /** Seconds it must run to count as started, from its section. */
  readonly startSeconds: number
  /** Whether it must stay up: otherwise a clean end is as good. */
  readonly mustRun: boolean
}

/** Starts one program and watches it until it has run for a while: supervisord's own "started" is far too early. */
export function startCure(order: StartOrder): Cure {
  const { supervisor, program, consent } = order
  const steadySeconds = Math.max(10, order.startSeconds + 2)
  return {
    title: say`start ${program.name} with supervisord`,
    consent,
    target: `${supervisor.address} ${program.name}`,
    within: (steadySeconds + 60) * 1000,
    async run({ signal }) {
      const before = await supervisor.program(program.name, signal)
      if (before.state === states.running || before.state === states.starting) return
      if (!order.from.includes(before.state)) throw leftAlone(program.name)
      await start(supervisor, program.name, signal)
      await watch(order, steadySeconds, signal)
    },
  }
}

const leftAlone = (name: string) =>
  new DidNotHelp(say`somebody has stopped ${name} in the meantime, so it was left alone`)

async function start(supervisor: Supervisor, name: string, signal: AbortSignal): Promise<void> {
  try {
    await supervisor.call('startProcess', [name, false], signal)
  } catch (error) {
    if (!(error instanceof XmlRpcFault)) throw error
    if (error.code === faults.alreadyStarted) return
    throw new DidNotHelp(refusals[error.code] ?? say`supervisord refused to start it (fault ${error.code})`)
  }
}

/** Fault codes of supervisord's XML-RPC interface. */
const faults = { badName: 10, noFile: 20, notExecutable: 21, spawnError: 50, alreadyStarted: 60 } as const

const refusals: Readonly<Record<number, DidNotHelp['reason']>> = {
  [faults.badName]: say`supervisord no longer knows this program`,
  [faults.noFile]: say`its command does not exist; trying again is of no use`,
  [faults.notExecutable]: say`its command cannot be run; trying again is of no use`,
  [faults.spawnError]: say`supervisord could not start it`,
}

/** So many new starts while it is watched mean that it dies again and again. */
const mostStarts = 3

async function watch(
  { supervisor, program: { name }, mustRun }: StartOrder,
  steady: number,
  signal: AbortSignal,
) {
  const starts = new Set<number>()
  for (;;) {
    await delay(1000, undefined, { signal })
    const program = await supervisor.program(name, signal)
    starts.add(program.start)
    if (program.state === states.running && program.now - program.start >= steady) return
    if (program.state === states.stopped || program.state === states.stopping) throw leftAlone(name)
    if (program.state === states.exited && !hasFailed(program) && !mustRun) return
    const isDown = program.state === states.exited || program.state === states.fatal
    if (isDown || starts.size > mostStarts) {
      throw new DidNotHelp(say`it did not stay up after the start: ${whyDown(program)}`)
    }
  }
}
