import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { ConnectionFailure } from '../core/failure.ts'
import type { ServerUrl } from '../core/options.ts'
import type { Secret } from '../core/secret.ts'
import { DidNotHelp } from '../core/story.ts'
import { say } from '../core/text.ts'
import { callXmlRpc, type XmlRpcServer, xmlRpcServer } from './xml-rpc.ts'
import { XmlRpcFault, type XmlRpcValue } from './xml-rpc-codec.ts'

/** A program that a supervisord keeps, as an option names it. */
export interface Supervised {
  readonly supervisor: ServerUrl
  readonly user?: string | undefined
  readonly password?: Secret | undefined
  /** As supervisorctl names it: `name`, `group:name` or `group:*`. */
  readonly program: string
}

/** A name for what acts on it: two cures of one name never run at the same time. */
export function placeOf(supervised: Supervised): string {
  const { socketPath, url } = xmlRpcServer(supervised.supervisor, supervised)
  return `${socketPath ?? url.host} ${supervised.program}`
}

/**
 * Starts what is down by a fault of its own. What a person stopped stays stopped.
 * @throws DidNotHelp where nothing is down, supervisord refuses, or the program falls again at once.
 */
export async function startSupervised(supervised: Supervised, signal: AbortSignal): Promise<void> {
  const server = xmlRpcServer(supervised.supervisor, supervised)
  const programs = await readPrograms(server, supervised.program, signal)
  const fallen = programs.filter(({ state }) => state === states.exited || state === states.fatal)
  if (fallen.length === 0) {
    throw new DidNotHelp(
      programs.some(({ state }) => state === states.stopped)
        ? say`somebody has stopped ${supervised.program}, so it was left alone`
        : say`supervisord keeps ${supervised.program} running, so there is nothing to start`,
    )
  }
  for (const program of fallen) await start(server, program, signal)
  const patience = AbortSignal.timeout(longestRise)
  for (const program of fallen) await awaitState(server, program, states.running, signal, patience)
}

/**
 * Stops and starts what runs, one after the other, each as gently as its section says.
 * @throws DidNotHelp where nothing runs, or supervisord refuses.
 */
export async function restartSupervised(supervised: Supervised, signal: AbortSignal): Promise<void> {
  const server = xmlRpcServer(supervised.supervisor, supervised)
  const programs = await readPrograms(server, supervised.program, signal)
  const running = programs.filter(({ state }) => state === states.running || state === states.starting)
  if (running.length === 0) throw new DidNotHelp(say`${supervised.program} does not run under supervisord`)
  for (const program of running) {
    await call(server, 'stopProcess', [idOf(program), false], signal)
    await awaitState(server, program, states.stopped, signal)
    await start(server, program, signal)
    await awaitState(server, program, states.running, signal)
  }
}

/** So long a program is watched after its start, in milliseconds; one that `startsecs` calls new for longer may be well. */
const longestRise = 15_000

/** The codes that supervisord gives its states. */
const states = { stopped: 0, starting: 10, running: 20, exited: 100, fatal: 200 } as const

const programShape = z.looseObject({ name: z.string(), group: z.string(), state: z.number() })

type Program = z.output<typeof programShape>

const idOf = ({ group, name }: Program) => `${group}:${name}`

async function readPrograms(
  server: XmlRpcServer,
  wanted: string,
  signal: AbortSignal,
): Promise<readonly Program[]> {
  const programs = z.array(programShape).safeParse(await call(server, 'getAllProcessInfo', [], signal)).data
  if (programs === undefined) throw new DidNotHelp(say`supervisord gave an answer of another form`)
  const [group, name = group] = wanted.split(':')
  const found = programs.filter(
    (program) => program.group === group && (name === '*' || program.name === name),
  )
  if (found.length === 0) throw new DidNotHelp(say`supervisord knows no program ${wanted}`)
  return found
}

async function start(server: XmlRpcServer, program: Program, signal: AbortSignal): Promise<void> {
  await call(server, 'startProcess', [idOf(program), false], signal)
}

/** Returns, too, where the patience ends before it is known. */
async function awaitState(
  server: XmlRpcServer,
  program: Program,
  wanted: number,
  signal: AbortSignal,
  patience?: AbortSignal,
) {
  while (patience?.aborted !== true) {
    const found = programShape.safeParse(await call(server, 'getProcessInfo', [idOf(program)], signal)).data
    if (found?.state === wanted || (wanted === states.stopped && found?.state === states.exited)) return
    if (found === undefined || found.state === states.fatal || found.state === states.exited)
      throw new DidNotHelp(say`${idOf(program)} did not come up again: see its log`)
    await delay(500, undefined, { signal })
  }
}

async function call(
  server: XmlRpcServer,
  method: string,
  parameters: readonly XmlRpcValue[],
  signal: AbortSignal,
): Promise<XmlRpcValue> {
  try {
    return await callXmlRpc(server, `supervisor.${method}`, parameters, { signal })
  } catch (error) {
    if (error instanceof ConnectionFailure) throw new DidNotHelp(error.summary)
    if (!(error instanceof XmlRpcFault)) throw error
    if (error.code === alreadyStarted || error.code === notRunning) return true
    throw new DidNotHelp(say`supervisord refused it (fault ${error.code})`)
  }
}

const [alreadyStarted, notRunning] = [60, 70]
