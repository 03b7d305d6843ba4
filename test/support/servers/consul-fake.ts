import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Listening, startListening } from './listening.ts'

/**
 * Starts a stand-in for a Consul agent in this process, for what a real one (`consul-agent.ts`) does not say: it answers
 * as the documentation of later versions does, for a healthy cluster of three servers at first, to whatever token. It
 * keeps registrations, and nothing else happens in it by itself.
 */
export async function startConsul(): Promise<Consul> {
  const answers = new Map<string, ConsulAnswer>(Object.entries(healthy))
  const services: Record<string, Record<string, unknown>> = {}
  const requests: ConsulRequest[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const body = await text(request)
    requests.push({ method: request.method ?? '', path: request.url ?? '', body })
    const given = answers.get(pathname)
    if (given !== undefined) return reply(response, given)
    if (pathname === '/v1/agent/services') return reply(response, { status: 200, body: services })
    if (pathname === '/v1/agent/service/register' && request.method === 'PUT') {
      const { ID, Name, ...rest } = JSON.parse(body)
      services[ID ?? Name] = { ID: ID ?? Name, Service: Name, Tags: [], Port: 0, Address: '', ...rest }
      return reply(response, { status: 200, body: '' })
    }
    const [, asked] = /^\/v1\/agent\/service\/([^/]+)$/.exec(pathname) ?? []
    if (asked !== undefined && request.method === 'GET') {
      const found = services[decodeURIComponent(asked)]
      return reply(
        response,
        found === undefined
          ? { status: 404, body: `unknown service ID: ${asked}` }
          : { status: 200, body: found },
      )
    }
    const [, deregistered] = /^\/v1\/agent\/service\/deregister\/(.+)$/.exec(pathname) ?? []
    if (deregistered !== undefined && request.method === 'PUT') {
      const id = decodeURIComponent(deregistered)
      const isKnown = id in services
      delete services[id]
      return reply(
        response,
        isKnown ? { status: 200, body: '' } : { status: 404, body: `Unknown service ID "${id}"` },
      )
    }
    reply(response, { status: 404, body: '' })
  }
  const listening = await startListening(() => ({
    server: createServer((request, response) => void handle(request, response)),
  }))
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    requests,
    services,
    answer: (path, answer) => void answers.set(path, answer),
    reset() {
      answers.clear()
      for (const [path, answer] of Object.entries(healthy)) answers.set(path, answer)
      for (const id of Object.keys(services)) delete services[id]
    },
  }
}

export interface Consul extends Listening {
  readonly url: string
  /** What came so far, oldest first. */
  readonly requests: readonly ConsulRequest[]
  /** What is registered with the agent, by id. */
  readonly services: Readonly<Record<string, Record<string, unknown>>>
  /** Answers a path so from now on. */
  answer(path: string, answer: ConsulAnswer): void
  /** Back to the healthy cluster, with nothing registered. */
  reset(): void
}

export interface ConsulRequest {
  readonly method: string
  readonly path: string
  readonly body: string
}

export interface ConsulAnswer {
  readonly status: number
  /** A text is sent as it is, anything else as JSON. */
  readonly body: unknown
  /** Whether parts were left out because the token may not see them. */
  readonly isFiltered?: boolean
}

function reply(response: ServerResponse, { status, body, isFiltered = false }: ConsulAnswer): void {
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
    ...(isFiltered && { 'x-consul-results-filtered-by-acls': 'true' }),
  })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

const server = (name: string, index: number, isLeader: boolean) => ({
  ID: `e349749b-3303-3ddf-959c-b5885a0e1f6${index}`,
  Name: name,
  Address: `10.1.10.1${index}:8300`,
  SerfStatus: 'alive',
  Version: '1.18.1',
  Leader: isLeader,
  LastContact: '0s',
  LastTerm: 2,
  LastIndex: 46,
  Healthy: true,
  Voter: true,
  StableSince: '2026-11-06T22:07:51Z',
})

const member = (Name: string, index: number) => ({
  Name,
  Addr: `10.1.10.1${index}`,
  Port: 8301,
  Tags: { dc: 'dc1', role: 'consul' },
  Status: 1,
  ProtocolMin: 1,
  ProtocolMax: 5,
  ProtocolCur: 2,
})

const healthy: Readonly<Record<string, ConsulAnswer>> = {
  '/v1/acl/token/self': { status: 200, body: { AccessorID: '6a1253d2-1785-24fd-91c2-f8e78c745511' } },
  '/v1/status/leader': { status: 200, body: '"10.1.10.12:8300"' },
  '/v1/status/peers': { status: 200, body: ['10.1.10.12:8300', '10.1.10.11:8300', '10.1.10.10:8300'] },
  '/v1/operator/autopilot/health': {
    status: 200,
    body: {
      Healthy: true,
      FailureTolerance: 1,
      Servers: [server('s1', 0, false), server('s2', 1, false), server('s3', 2, true)],
    },
  },
  '/v1/health/state/critical': { status: 200, body: [] },
  '/v1/health/service/consul': {
    status: 200,
    body: ['s1', 's2', 's3'].map((Node, index) => ({
      Node: { Node, Address: `10.1.10.1${index}` },
      Service: { ID: 'consul', Service: 'consul', Address: '', Port: 8300 },
      Checks: [{ CheckID: 'serfHealth', Status: 'passing' }],
    })),
  },
  '/v1/agent/members': { status: 200, body: [member('s1', 0), member('s2', 1), member('s3', 2)] },
}
