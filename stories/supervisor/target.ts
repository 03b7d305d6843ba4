import {
  ConnectionFailure,
  callXmlRpc,
  secret,
  serverUrl,
  shareInFlight,
  stepOf,
  XmlRpcFault,
  type XmlRpcValue,
  xmlRpcServer,
  z,
} from 'healthz'
import { type Program, type ProgramSettings, parsePrograms, parseSettings } from './program.ts'
import { explainFailure, NotServing } from './unreachable.ts'

export const options = z.strictObject({
  url: serverUrl('unix:', 'http:', 'https:').prefault('unix:///var/run/supervisor.sock'),
  user: z.string().optional().describe("where the URL does not hold them: a unix socket's cannot"),
  password: secret().optional(),
  expect: z
    .array(z.string())
    .default([])
    .describe('programs that must be loaded, as name, group:name or group:*'),
  expectRunning: z
    .array(z.string())
    .default([])
    .describe('programs that must run: even a clean end or a stop by a person is a problem'),
  oneshot: z
    .array(z.string())
    .default([])
    .describe('programs that run once and end: they are never started again'),
  resources: z
    .boolean()
    .default(false)
    .describe('watch memory and file descriptors of the programs; supervisord must run on this host'),
})

export type Options = z.output<typeof options>

/** A supervisord that answers. Each call is a connection of its own, so there is nothing to close. */
export interface Supervisor {
  readonly address: string
  /** All programs that are loaded, asked once for the steps that ask together. */
  programs(signal: AbortSignal): Promise<readonly Program[]>
  /** One program, asked anew. */
  program(name: string, signal: AbortSignal): Promise<Program>
  /** How the programs are configured, by name; null where this version cannot say. */
  settings(signal: AbortSignal): Promise<ReadonlyMap<string, ProgramSettings> | null>
  /** @throws XmlRpcFault */
  call(method: string, parameters: readonly XmlRpcValue[], signal: AbortSignal): Promise<XmlRpcValue>
}

export const step = stepOf<Supervisor, Options>()

/** @throws ConnectionFailure unless supervisord is in full service. */
export async function openSupervisor(options: Options, signal: AbortSignal): Promise<Supervisor> {
  const server = xmlRpcServer(options.url, options)
  const address = server.socketPath ?? options.url.url.host
  const send = (method: string, parameters: readonly XmlRpcValue[], within: AbortSignal, timeout: number) =>
    callXmlRpc(server, `supervisor.${method}`, parameters, { signal: within, timeout })
  const call: Supervisor['call'] = (method, parameters, within) => send(method, parameters, within, 8000)

  const code = await send('getState', [], signal, replyDeadline).then(stateCode, (error) => {
    throw explainFailure(error, server, address)
  })
  if (code !== inService) throw new NotServing(address, code)
  return {
    address,
    programs: shareInFlight(async (within) => parsePrograms(await call('getAllProcessInfo', [], within))),
    program: async (name, within) => {
      const [program] = parsePrograms([await call('getProcessInfo', [name], within)])
      if (program === undefined) throw new ConnectionFailure('protocol', address)
      return program
    },
    settings: shareInFlight(async (within) => {
      const answer = await call('getAllConfigInfo', [], within).catch(unsupported)
      return answer === null ? null : parseSettings(answer)
    }),
    call,
  }
}

/** Milliseconds until the first answer; a supervisord that hangs is told from one that is slow. */
const replyDeadline = 3500

const inService = 1

function stateCode(answer: XmlRpcValue): number {
  return z.looseObject({ statecode: z.number() }).parse(answer).statecode
}

/** Supervisor 3 has no such method, and some 4.x versions fail over it with HTTP status 500. */
function unsupported(error: unknown): null {
  if (error instanceof XmlRpcFault && error.code === 1) return null
  if (error instanceof ConnectionFailure && error.kind === 'protocol') return null
  throw error
}
