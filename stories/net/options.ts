import { isIP } from 'node:net'
import { tlsOptions, z } from 'healthz'

/** Where a TCP port is. */
export interface Place {
  /** `host:port`, as it was written. */
  readonly text: string
  readonly host: string
  readonly port: number
}

/** A place in an option: `host:port` or `[::1]:port`. */
export function place() {
  return z
    .string()
    .regex(/^(?:\[[\da-f:.]+\]|[^\s:/[\]]+):\d{1,5}$/i, { error: 'not a place; write it as host:port' })
    .transform((text): Place => {
      const colon = text.lastIndexOf(':')
      const host = text.slice(0, colon).replace(/^\[|\]$/g, '')
      return { text, host, port: Number(text.slice(colon + 1)) }
    })
    .refine(({ port }) => port > 0 && port < 65_536, { error: 'not a port; it is between 1 and 65535' })
}

const port = z
  .strictObject({
    at: place(),
    send: z
      .string()
      .min(1)
      .meta({ description: 'what to say to a server that waits for its client' })
      .optional(),
    says: z
      .string()
      .min(1)
      .meta({ description: 'what must stand in the first words of the server' })
      .optional(),
    tls: z
      .boolean()
      .meta({ description: 'it must shake hands, with a certificate that clients accept' })
      .default(false),
    ca: tlsOptions().ca,
  })
  .refine(({ tls, says, send }) => !tls || (says === undefined && send === undefined), {
    error: 'says and send are for ports without TLS',
  })

const question = z.strictObject({
  name: z.string().min(1),
  type: z.enum(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SRV', 'TXT']).default('A'),
  expect: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: 'all that must be answered, in any order; an MX as "10 mail.example.com"' })
    .optional(),
  resolvers: z
    .array(
      z.union([
        z.literal('system'),
        z.string().refine(isResolver, {
          error: 'not the address of a resolver; write it as 10.0.0.2 or 10.0.0.2:53',
        }),
      ]),
    )
    .min(1)
    .max(10)
    .meta({
      description:
        'asked one by one; "system" is what programs of this host get, with /etc/hosts. Left out: those of this host',
    })
    .optional(),
})

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  tcp: z
    .array(z.union([place().transform((at): z.output<typeof port> => ({ at, tls: false })), port]))
    .max(200)
    .meta({ description: 'ports that must take connections' })
    .default([]),
  dns: z.array(question).max(50).meta({ description: 'names that must be answered' }).default([]),
  ping: z
    .array(z.string().regex(/^[^\s-]\S*$/, { error: 'not the name or the address of a host' }))
    .max(50)
    .meta({ description: 'hosts that must answer pings' })
    .default([]),
})

export type Options = z.output<typeof options>
export type Port = Options['tcp'][number]
export type Question = Options['dns'][number]

function isResolver(text: string): boolean {
  const [, host = text] = /^\[?(.+?)\]?:\d+$/.exec(text) ?? []
  return isIP(text) !== 0 || isIP(host) !== 0
}
