import { setTimeout as delay } from 'node:timers/promises'
import { type RequestOptions, type Response, request } from '../clients/request.ts'
import type { ConsulPlan } from '../core/consul.ts'
import type { Plan } from '../core/plan.ts'

export interface RegistrationPorts {
  readonly version: string
  readonly failed: (what: string, error: unknown) => void
  /** How often it is looked whether the agent still knows it, in milliseconds. Default 60 s. */
  readonly lookEvery?: number
}

/**
 * Registers this process with a Consul agent, with a check of its liveness, and again whenever the agent has forgotten
 * it. Nothing waits for it: without the agent the watch goes on, and each failure is told once. Disposing deregisters.
 */
export function registerWithConsul(
  plan: Pick<Plan, 'node' | 'platform'>,
  consul: ConsulPlan,
  http: { readonly host: string; readonly port: number },
  ports: RegistrationPorts,
): AsyncDisposable {
  const service = serviceOf(plan, consul, http, ports.version)
  const ending = new AbortController()
  const keeping = keep(service, consul, ports, ending.signal)
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await keeping
      try {
        await deregister(service.ID, consul)
      } catch (error) {
        ports.failed('consul', error)
      }
    },
  }
}

/** How long a process that ends waits for the agent, in milliseconds. */
const leaveDeadline = 2000
const defaultLookEvery = 60_000
/** How soon what failed is tried again. */
const retryEvery = 5000

async function keep(
  service: ReturnType<typeof serviceOf>,
  consul: ConsulPlan,
  { failed, lookEvery = defaultLookEvery }: RegistrationPorts,
  signal: AbortSignal,
): Promise<void> {
  let wasWell = true
  while (!signal.aborted) {
    const isWell = await register(service, consul, signal).then(
      () => true,
      (error) => {
        if (wasWell && !signal.aborted) failed('consul', error)
        return false
      },
    )
    wasWell = isWell
    await delay(isWell ? lookEvery : Math.min(retryEvery, lookEvery), undefined, { signal }).catch(() => {})
  }
}

async function register(
  service: ReturnType<typeof serviceOf>,
  consul: ConsulPlan,
  signal: AbortSignal,
): Promise<void> {
  const known = await ask(consul, pathOf(service.ID), { signal })
  if (known.status === 200) return
  const body = JSON.stringify(service)
  const answer = await ask(consul, '/v1/agent/service/register?replace-existing-checks=true', {
    method: 'PUT',
    body,
    signal,
  })
  if (answer.status !== 200) throw refusal(answer)
}

/** An agent that has forgotten the service by itself refuses this, each version in its own way. */
async function deregister(id: string, consul: ConsulPlan): Promise<void> {
  const path = `/v1/agent/service/deregister/${encodeURIComponent(id)}`
  const answer = await ask(consul, path, { method: 'PUT', timeout: leaveDeadline })
  if (answer.status === 200) return
  const known = await ask(consul, pathOf(id), { timeout: leaveDeadline })
  if (known.status !== 404) throw refusal(answer)
}

const pathOf = (id: string) => `/v1/agent/service/${encodeURIComponent(id)}`

function refusal({ status, body }: Pick<Response, 'status' | 'body'>): Error {
  const isUnknown = body.includes('ACL not found')
  const why = isUnknown ? 'it does not know the token' : 'its token lacks the right service:write'
  return new Error(
    `the Consul agent refuses the registration: ${status === 403 ? why : `HTTP status ${status}`}`,
  )
}

function ask(
  { url, token, ca, insecure }: ConsulPlan,
  path: string,
  options: Pick<RequestOptions, 'method' | 'body' | 'timeout'> & { readonly signal?: AbortSignal },
): Promise<Response> {
  return request(new URL(url.pathname.replace(/\/$/, '') + path, url), {
    timeout: 5000,
    // One that is ending has no other end than its deadline.
    signal: new AbortController().signal,
    insecure,
    ...options,
    ...(ca !== null && { ca }),
    headers: token === null ? {} : { 'x-consul-token': token.reveal() },
  })
}

/** The body of `PUT /v1/agent/service/register`. */
function serviceOf(
  { node, platform }: Pick<Plan, 'node' | 'platform'>,
  consul: ConsulPlan,
  { host, port }: { readonly host: string; readonly port: number },
  version: string,
) {
  const isAny = host === '0.0.0.0' || host === '::'
  const isOwn = isAny || host === 'localhost' || host === '::1' || host.startsWith('127.')
  const id = consul.id ?? `${consul.service}-${node}`
  // Left out, it is the address of the agent.
  const address = consul.address ?? (isOwn ? undefined : host)
  const asked = consul.address ?? (isAny ? '127.0.0.1' : host)
  return {
    ID: id,
    Name: consul.service,
    Tags: consul.tags,
    Port: port,
    ...(address !== undefined && { Address: address }),
    Meta: { platform, node, version },
    Check: {
      CheckID: `service:${id}`,
      Name: 'healthz lives',
      HTTP: `http://${asked.includes(':') ? `[${asked}]` : asked}:${port}/livez`,
      Interval: `${consul.interval}ms`,
      Timeout: `${consul.timeout}ms`,
      DeregisterCriticalServiceAfter: `${consul.deregisterAfter}ms`,
    },
  }
}
