import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import type { Certificate } from './certificates.ts'
import { type Listening, startListening } from './listening.ts'

/**
 * Starts a stand-in for the API server of Kubernetes, over TLS. It speaks as the API reference of version 1.30 says:
 * bearer tokens, rights by resource, lists in pages, and a Status object where it refuses. `clientCa` is the file of
 * an authority (--client-ca-file): who shows a certificate of it is let in as well.
 */
export async function startKubernetes(certificate: Certificate, clientCa?: string): Promise<Kubernetes> {
  const [cert, key] = await Promise.all([readFile(certificate.certFile), readFile(certificate.keyFile)])
  const ca = clientCa && (await readFile(clientCa))
  const kubernetes: Omit<Kubernetes, keyof Listening | 'url'> = {
    at: Date.parse('2026-11-21T12:00:00Z'),
    objects: {},
    forbidden: [],
    readyz: { status: 200, body: '[+]ping ok\n[+]etcd ok\nreadyz check passed\n' },
    requests: [],
    afterAct: () => {},
    isHung: false,
  }
  const listening = await startListening(() => ({
    // Everybody may shake hands: a certificate that is worth nothing is answered with 401, as no token is.
    server: createServer(
      { cert, key, ...(ca && { ca, requestCert: true, rejectUnauthorized: false }) },
      (request, response) => void answer(kubernetes, request, response),
    ),
  }))
  return Object.assign(kubernetes, listening, { url: `https://localhost:${listening.port}` })
}

export interface Kubernetes extends Listening {
  readonly url: string
  /** The clock of the API server, in wall milliseconds. */
  at: number
  /** By resource, such as `pods`. */
  objects: Record<string, KubernetesObject[]>
  /** Resources, paths or verbs (`delete pods`) that the account has no right to. */
  forbidden: string[]
  readyz: { status: number; body: string }
  readonly requests: {
    readonly method: string
    readonly path: string
    readonly type: string
    readonly body: string
    readonly authorization: string
  }[]
  /** Called after each act, as the controllers of a cluster would see to it. */
  afterAct: (method: string, path: string) => void
  isHung: boolean
}

export interface KubernetesObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string }
  readonly [field: string]: unknown
}

/** The one token that is known. */
export const kubernetesToken = 'eyJhbGciOiJSUzI1NiJ9.hunter2SECRET'

/** Objects on a page, so that a list has several. */
const pageSize = 2

async function answer(
  kubernetes: Omit<Kubernetes, keyof Listening | 'url'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '', 'https://localhost')
  const { method = 'GET', headers } = request
  const body = await text(request)
  const { 'content-type': type = '', authorization = '' } = headers
  kubernetes.requests.push({ method, path: url.pathname, type, body, authorization })
  if (kubernetes.isHung) return
  response.sendDate = false
  response.setHeader('date', new Date(kubernetes.at).toUTCString())
  const reply = (status: number, document: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  const refuse = (code: number, reason: string, message: string) =>
    reply(code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code })
  // Served over TLS only.
  const isCertain = (request.socket as TLSSocket).authorized
  if (!isCertain && headers.authorization !== `Bearer ${kubernetesToken}`)
    return void refuse(401, 'Unauthorized', 'Unauthorized')

  const [, resource = '', name] =
    /^\/apis?\/(?:[^/]+\/)?v1\/(?:namespaces\/[^/]+\/)?([a-z]+)(?:\/([^/]+))?$/.exec(url.pathname) ?? []
  const namespace = /\/namespaces\/([^/]+)\//.exec(url.pathname)?.[1]
  const account = 'system:serviceaccount:healthz:healthz'
  const asked = [
    resource,
    url.pathname,
    `${method.toLowerCase()} ${resource}`,
    ...(namespace ? [] : [`all ${resource}`]),
  ]
  if (asked.some((each) => kubernetes.forbidden.includes(each))) {
    const message = `${resource} is forbidden: User "${account}" cannot list resource "${resource}" at the cluster scope`
    return void refuse(403, 'Forbidden', message)
  }
  if (url.pathname === '/version')
    return void reply(200, { major: '1', minor: '30', gitVersion: 'v1.30.4', platform: 'linux/amd64' })
  if (url.pathname === '/readyz')
    return void response
      .writeHead(kubernetes.readyz.status, { 'content-type': 'text/plain' })
      .end(kubernetes.readyz.body)
  const all = kubernetes.objects[resource]
  if (all === undefined) return void response.writeHead(404).end('404 page not found')
  const inside = all.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
  if (name === undefined) {
    const from = Number(url.searchParams.get('continue') ?? 0)
    const more = from + pageSize < inside.length ? { continue: String(from + pageSize) } : {}
    const items = inside.slice(from, from + pageSize)
    return void reply(200, {
      kind: 'List',
      apiVersion: 'v1',
      metadata: { resourceVersion: '1', ...more },
      items,
    })
  }
  const found = inside.find(({ metadata }) => metadata.name === name)
  if (found === undefined) return void refuse(404, 'NotFound', `${resource} "${name}" not found`)
  if (method === 'DELETE') kubernetes.objects[resource] = all.filter((object) => object !== found)
  reply(200, found)
  if (method !== 'GET') kubernetes.afterAct(method, url.pathname)
}
