import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { makeTempDir } from './temp-dir.ts'

/**
 * Starts a stand-in for a container engine on a unix socket. It answers what a real Docker 20.10 answered of
 * containers in each state, with the clock of that moment, and starts and restarts them as an engine does.
 */
export async function startRecordedDocker(): Promise<RecordedDocker> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const recorded: Recorded = JSON.parse(await readFile(recording, 'utf8'))
  const requests: string[] = []
  const docker = {
    socket: join(dir, 'd.sock'),
    at: recordedAt,
    requests,
    containers: recorded.inspected,
    events: recorded.events,
    afterStart: {},
    refused: [],
    isHung: false,
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    requests.push(`${request.method} ${path}`)
    if (docker.isHung) return
    response.sendDate = false
    response.setHeader('date', new Date(docker.at).toUTCString())
    if (docker.refused.some((refused: string) => path.startsWith(refused))) {
      return void response.writeHead(403).end('403 Forbidden')
    }
    answer(docker, recorded, request.method ?? '', path, response)
  })
  await new Promise<void>((resolve) => server.listen(docker.socket, resolve))
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const owned = stack.move()
  return Object.assign(docker, { [Symbol.asyncDispose]: () => owned.disposeAsync() })
}

export interface RecordedDocker extends AsyncDisposable {
  readonly socket: string
  /** The engine's clock, in wall milliseconds. */
  at: number
  readonly requests: readonly string[]
  /** By name; a test may change them, remove them and add more. */
  readonly containers: Record<string, Inspected>
  events: RecordedEvent[]
  /** By name: the state after a start or restart; running if left out. */
  afterStart: Record<string, Partial<Inspected['State']>>
  /** Paths that begin so are refused, as a proxy refuses them. */
  refused: string[]
  isHung: boolean
}

export interface Inspected {
  Id: string
  Name: string
  RestartCount: number
  readonly HostConfig: { RestartPolicy: { Name: string } }
  State: {
    Status: string
    ExitCode: number
    OOMKilled: boolean
    StartedAt: string
    FinishedAt: string
    Health?: { Status: string; FailingStreak: number; Log: readonly { readonly ExitCode: number }[] }
  }
}

export interface RecordedEvent {
  readonly Action: string
  readonly Actor: { readonly ID: string }
  readonly time: number
  readonly timeNano: number
}

interface Recorded {
  readonly version: unknown
  readonly inspected: Record<string, Inspected>
  readonly events: RecordedEvent[]
}

const recording = join(import.meta.dirname, '../../unit/stories/docker/recorded/engine-20.10.json')

/** When the recording was made. */
const recordedAt = Date.parse('2026-11-21T06:01:30Z')

function answer(
  docker: Omit<RecordedDocker, keyof AsyncDisposable>,
  recorded: Recorded,
  method: string,
  path: string,
  response: ServerResponse,
): unknown {
  const reply = (body: unknown, status = 200) => response.writeHead(status).end(JSON.stringify(body))
  const all = Object.values(docker.containers)
  if (path === '/version') return reply(recorded.version)
  if (path === '/containers/json?all=1')
    return reply(all.map(({ Id, Name, State }) => ({ Id, Names: [Name], State: State.Status })))
  if (path.startsWith('/events?')) {
    const [, since = '0', until = '0'] = /since=([\d.]+)&until=([\d.]+)/.exec(path) ?? []
    const told = docker.events.filter(
      ({ Action, time }) => Action === 'oom' && time >= Number(since) && time <= Number(until),
    )
    return response.end(told.map((event) => `${JSON.stringify(event)}\n`).join(''))
  }
  const [, id = '', verb = ''] = /^\/containers\/([^/]+)\/(\w+)$/.exec(path) ?? []
  const container = all.find(({ Id }) => Id === id)
  if (container === undefined) return reply({ message: `No such container: ${id}` }, 404)
  if (verb === 'json') return reply(container)
  if (method !== 'POST') return reply({ message: 'page not found' }, 404)
  const running = {
    Status: 'running',
    ExitCode: 0,
    OOMKilled: false,
    StartedAt: new Date(docker.at).toISOString(),
  }
  container.State = { ...container.State, ...running, ...docker.afterStart[container.Name.slice(1)] }
  return response.writeHead(204).end()
}
