import { z } from 'zod'
import type { CoordinatorPlan } from '../core/cluster.ts'
import { Secret } from '../core/secret.ts'
import { type Said, say } from '../core/text.ts'
import { endpointOf, writtenEndpoint } from './fields.ts'

/** What a URL says of the coordinating Redis. */
export type CoordinatorUrl = Pick<
  CoordinatorPlan,
  'kind' | 'servers' | 'master' | 'database' | 'user' | 'password'
> & { readonly isTls: boolean }

const schemes = { standalone: '', sentinel: '+sentinel', cluster: '+cluster' } as const
const kinds = Object.keys(schemes) as readonly CoordinatorPlan['kind'][]

const examples = [
  'redis://host:6379/0',
  'redis+sentinel://host-1:26379,host-2:26379/mymaster',
  'redis+cluster://host-1:7000,host-2:7001',
]
const notOurs = say`not a URL such as redis://host:6379/0, redis+sentinel://host-1:26379,host-2:26379/mymaster or redis+cluster://host-1:7000,host-2:7001; with TLS: rediss`
const badServers = say`the servers must be host:port, several with "," between them; "@" and "/" in a password are written %40 and %2F`
const badPercent = say`the user or the password holds a "%" that means itself; in a URL write it as %25`
const query = say`nothing can follow "?" or "#": other settings stand beside "url"; in a password they are written %3F and %23`
const oneServer = say`several servers need redis+sentinel:// or redis+cluster://`
const noMaster = say`does not say which master the sentinels are asked for; end it with /mymaster`
const noDatabase = say`the path must be the number of a database, such as /0`
const clusterDatabase = say`a Redis Cluster has the database 0 only; leave the path out`

/** A URL of the coordinating Redis. The faults it gives never quote it. */
export const coordinatorUrl = z
  .string()
  .meta({ title: 'URL', examples })
  .transform((text, context): CoordinatorUrl => {
    const read = readUrl(text)
    if (!('template' in read)) return read
    context.addIssue({ code: 'custom', message: read.template })
    return z.NEVER
  })

function readUrl(text: string): CoordinatorUrl | Said {
  const parts = /^(rediss?)(\+\w+)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?([?#].*)?$/is.exec(text)
  const [, scheme = '', suffix = '', login = '', hosts = '', path = '', rest] = parts ?? []
  const kind = kinds.find((name) => schemes[name] === suffix.toLowerCase())
  if (parts === null || kind === undefined) return notOurs
  if (rest !== undefined) return query
  const standardPort = kind === 'sentinel' ? 26_379 : 6379
  const servers = hosts.split(',').map((host) => endpointOf(host.trim(), standardPort))
  if (!servers.every((server) => server !== null)) return badServers
  if (kind === 'standalone' && servers.length > 1) return oneServer
  const place = placeIn(kind, path)
  if ('template' in place) return place
  const credentials = credentialsIn(login)
  if (credentials === null) return badPercent
  return { kind, servers, ...place, ...credentials, isTls: scheme.toLowerCase() === 'rediss' }
}

/** The master and the database that the path of a URL names. */
function placeIn(
  kind: CoordinatorPlan['kind'],
  path: string,
): Pick<CoordinatorPlan, 'master' | 'database'> | Said {
  const steps = path.split('/')
  const master = kind === 'sentinel' ? decoded(steps.shift() ?? '') : ''
  if (master === null) return badPercent
  if (kind === 'sentinel' && master === '') return noMaster
  const [number = '', ...others] = steps
  if (others.some((step) => step !== '') || !/^\d{0,5}$/.test(number)) return noDatabase
  if (kind === 'cluster' && Number(number) !== 0) return clusterDatabase
  return { master, database: Number(number) }
}

function credentialsIn(login: string): Pick<CoordinatorPlan, 'user' | 'password'> | null {
  const [, user, password] = (/^([^:]*):?(.*)$/s.exec(login) ?? []).map(decoded)
  if (typeof user !== 'string' || typeof password !== 'string') return null
  return { user: user || undefined, password: password === '' ? undefined : new Secret(password) }
}

/** null where a `%` does not begin the code of a character. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** The URL of a coordinator, without credentials. */
export function urlOf({ kind, servers, master, database, tls }: CoordinatorPlan): string {
  const path = [
    ...(kind === 'sentinel' ? [encodeURIComponent(master)] : []),
    ...(kind === 'cluster' ? [] : [database]),
  ]
  const hosts = servers.map(writtenEndpoint).join(',')
  return `${tls === null ? 'redis' : 'rediss'}${schemes[kind]}://${[hosts, ...path].join('/')}`
}
