import { z } from 'zod'
import type { ConsulPlan } from '../core/consul.ts'
import { secret, serverUrl } from '../core/options.ts'
import { name, span } from './fields.ts'

/** The key `consul`. */
export const consulSchema = z
  .strictObject({
    url: serverUrl('http:', 'https:').prefault('http://127.0.0.1:8500').describe('the agent of this host'),
    token: secret().optional().describe('with the right service:write on the service'),
    ca: z.string().min(1).optional().describe('authorities to trust, as PEM; better given as ${file:/path}'),
    insecure: z.boolean().default(false).describe('accept any certificate'),
    service: name().default('healthz').describe('the name of the service'),
    id: name().optional().describe('the id of this instance; the service and the node if left out'),
    address: z
      .string()
      .regex(/^(?:[\w.-]+|[\da-f:.]+)$/i, { error: 'not a host name or an address' })
      .optional()
      .describe('where this process is reached; if left out where its HTTP server listens'),
    tags: z.array(z.string().min(1)).default([]),
    interval: span('1s').prefault('10s').describe('how often Consul asks whether it lives'),
    timeout: span('100ms').prefault('2s').describe('how long an answer may take'),
    deregisterAfter: span('1m').prefault('1h').describe('Consul forgets an instance that fails for so long'),
  })
  .transform(
    ({ url, token, ca, id, address, ...rest }): ConsulPlan => ({
      ...rest,
      url: url.url,
      token: token ?? null,
      ca: ca ?? null,
      id: id ?? null,
      address: address ?? null,
    }),
  )
  .describe('registers this process as a service with a Consul agent, and takes it out again when it ends')
