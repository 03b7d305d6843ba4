import { duration, limit, type Secret, secret, serverUrl, z } from 'healthz'

const shape = z.strictObject({
  url: serverUrl('mysql:', 'mariadb:').optional(),
  host: z.string().min(1).optional(),
  port: z.int().min(1).max(65_535).optional(),
  socket: z.string().min(1).optional().describe('a Unix socket, instead of host and port'),
  user: z.string().min(1).optional(),
  password: secret().optional(),
  database: z.string().min(1).optional().describe('the database that "queries" without a prefix read'),
  tls: z.boolean().default(false),
  ca: z.string().optional().describe('authorities to trust, as PEM; better given as ${file:/path}'),
  insecure: z.boolean().default(false).describe('accept any certificate'),
  expect: z.enum(['writable', 'replica']).optional(),
  killUsers: z
    .array(z.string().min(1))
    .default([])
    .describe('users whose connections and statements a cure may end'),
  ignoreUsers: z.array(z.string().min(1)).default([]).describe('users whose transactions may take long'),
  queries: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        sql: z.string().regex(/^\s*(select|with)\b/i, { error: 'not a SELECT' }),
        warn: limit().optional(),
        crit: limit().optional(),
        advice: z.string().min(1).optional(),
      }),
    )
    .default([]),
  expectNodes: z.int().min(1).optional().describe('how many nodes the Galera cluster has'),
  grace: duration('2m').describe('how long after its start a server is not judged by its pace'),
})

export type Options = z.output<typeof shape>

/** What an entry of this story may say under `with:`. */
export const options = shape.check(({ value, issues }) => {
  const fault = faultOf(value)
  if (fault !== null) issues.push({ code: 'custom', input: undefined, ...fault })
})

/** Where the server is and who logs in. */
export interface Place {
  readonly to: { readonly host: string; readonly port: number } | { readonly path: string }
  /** `host:port` or the path of a socket: safe to print. */
  readonly address: string
  readonly user: string
  readonly password: Secret | undefined
  readonly database: string | undefined
  readonly tls: { readonly ca: string | undefined; readonly insecure: boolean } | null
}

/** The place that the options name. */
export function placeOf({ url, host, port, socket, user, password, ...rest }: Options): Place {
  const named = {
    host: host ?? hostOf(url?.url) ?? 'localhost',
    port: port ?? (Number(url?.url.port) || 3306),
  }
  const inPath = decodeURIComponent(url?.url.pathname.slice(1) ?? '')
  return {
    to: socket === undefined ? named : { path: socket },
    address: socket ?? `${named.host}:${named.port}`,
    user: user ?? url?.user ?? '',
    password: password ?? url?.password,
    database: rest.database ?? (inPath || undefined),
    tls: rest.tls ? { ca: rest.ca, insecure: rest.insecure } : null,
  }
}

/** What the schema of single options cannot see; null when all is well. */
function faultOf({ url, host, port, socket, user }: Options) {
  const ways = [url, host, socket].filter((way) => way !== undefined)
  if (ways.length !== 1) return { path: [], message: 'give exactly one of "url", "host" and "socket"' }
  if (port !== undefined && host === undefined) return { path: ['port'], message: 'a port needs a "host"' }
  if (user === undefined && url?.user === undefined) return { path: ['user'], message: 'who should log in?' }
  if (url !== undefined && url.url.search !== '')
    return { path: ['url'], message: 'options go beside the URL, not after its "?"' }
  return null
}

/** IPv6 addresses stand in brackets in a URL only. */
function hostOf(url: URL | undefined): string | undefined {
  return url?.hostname.replace(/^\[|\]$/g, '')
}
