import {
  ConnectionFailure,
  type Cure,
  callXmlRpc,
  DidNotHelp,
  say,
  type Text,
  XmlRpcFault,
  type XmlRpcServer,
  type XmlRpcValue,
  xmlRpcServer,
  z,
} from 'healthz'
import type { Worker } from './options.ts'
import { isOrphan, type Queue, readQueue } from './queues.ts'
import type { Broker } from './target.ts'

/** Starts the supervisord program that consumes from the queue, if it is down by a fault of its own. */
export function startWorker(worker: Worker, queue: Queue, { api }: Broker): Cure {
  const server = xmlRpcServer(worker.supervisor, worker)
  return {
    title: say`start ${worker.program} with supervisord`,
    consent: 'auto',
    target: `${server.socketPath ?? server.url.host} ${worker.program}`,
    // The broker's figures may be five seconds old.
    settle: 6000,
    within: 90_000,
    async run({ signal }) {
      const fresh = await readQueue(api, queue, signal)
      if (fresh === null || !isOrphan(fresh)) return
      const programs = await readPrograms(server, worker.program, signal)
      const fallen = programs.filter(({ state }) => state === exited || state === fatal)
      if (fallen.length === 0) throw new DidNotHelp(whyNot(worker.program, programs))
      for (const program of fallen) {
        await call(server, 'startProcess', [`${program.group}:${program.name}`, false], signal)
      }
    },
  }
}

/** The codes that supervisord gives its states. */
const [stopped, exited, fatal] = [0, 100, 200]

function whyNot(name: string, programs: readonly Program[]): Text {
  if (programs.length === 0) return say`supervisord knows no program ${name}`
  if (programs.some(({ state }) => state === stopped))
    return say`somebody has stopped ${name}, so it was left alone`
  return say`${name} runs but does not consume: see in its log what it waits for`
}

async function readPrograms(server: XmlRpcServer, wanted: string, signal: AbortSignal) {
  const programs = z.array(programShape).safeParse(await call(server, 'getAllProcessInfo', [], signal)).data
  if (programs === undefined) throw new DidNotHelp(say`supervisord gave an answer of another form`)
  const [group, name = group] = wanted.split(':')
  return programs.filter((program) => program.group === group && (name === '*' || program.name === name))
}

const programShape = z.looseObject({ name: z.string(), group: z.string(), state: z.number() })

type Program = z.output<typeof programShape>

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
    if (error instanceof XmlRpcFault && error.code !== alreadyStarted)
      throw new DidNotHelp(say`supervisord refused to start it (fault ${error.code})`)
    if (error instanceof XmlRpcFault) return true
    throw error
  }
}

const alreadyStarted = 60
