import { dirname, resolve } from 'node:path'
import { CannotTell, Secret, say, serverUrl, z } from 'healthz'
import { readSecret } from './read-secret.ts'

/** Where a kubeconfig says that the API server is, and how it is trusted. */
export interface ClusterEntry {
  readonly url: URL
  readonly ca: string | undefined
  readonly insecure: boolean
}

/** Who asks, as a kubeconfig says. */
export interface Login {
  readonly token: Secret | null
  readonly cert: string | undefined
  readonly key: Secret | undefined
  readonly user: string | undefined
  readonly password: Secret | undefined
}

/** What a kubeconfig says of one of its contexts. Files that it names beside itself are read when they are asked for. */
export interface Kubeconfig {
  cluster(): Promise<ClusterEntry>
  login(): Promise<Login>
}

/**
 * Reads a kubeconfig as kubectl does: data wins over the file of the same name, a file with a token over a token, and
 * paths are relative to the kubeconfig.
 * @throws CannotTell, also from the methods; no word of the file but names is in it
 */
export async function readKubeconfig(file: string, context: string | undefined): Promise<Kubeconfig> {
  const { parse } = await import('yaml')
  const text = (await readSecret(file)).reveal()
  const { data } = shape.safeParse(orNothing(() => parse(text, { logLevel: 'error' })))
  if (data === undefined) throw new CannotTell(say`the file ${file} is no kubeconfig`)
  const chosen = chooseContext(file, data, context)
  const beside = (path: string) => resolve(dirname(file), path)
  return {
    cluster: () => readCluster(file, named(data.clusters, chosen.cluster)?.cluster, beside),
    async login() {
      const entry = named(data.users, chosen.user)
      if (entry === undefined && chosen.user !== null)
        throw new CannotTell(say`the context of the kubeconfig ${file} names a user that is not in it`)
      return readLogin(file, entry?.user, beside)
    },
  }
}

/** Nothing and an empty text mean the same. */
const text = () =>
  z
    .string()
    .nullish()
    .transform((value) => value || null)

const clusterShape = z.looseObject({
  server: text(),
  'certificate-authority': text(),
  'certificate-authority-data': text(),
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text(),
  'proxy-url': text(),
})

const userShape = z.looseObject({
  token: text(),
  tokenFile: text(),
  'client-certificate': text(),
  'client-certificate-data': text(),
  'client-key': text(),
  'client-key-data': text(),
  username: text(),
  password: text(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
  as: text(),
})

type Chosen = z.output<typeof contextShape>

const contextShape = z.looseObject({ cluster: text(), user: text() })

const shape = z.looseObject({
  'current-context': text(),
  contexts: z.array(z.looseObject({ name: z.string(), context: contextShape.nullish() })).nullish(),
  clusters: z.array(z.looseObject({ name: z.string(), cluster: clusterShape.nullish() })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: userShape.nullish() })).nullish(),
})

function named<Item extends { readonly name: string }>(
  items: readonly Item[] | null | undefined,
  name: string | null | undefined,
): Item | undefined {
  return items?.find((item) => item.name === name)
}

function chooseContext(
  file: string,
  { contexts, 'current-context': current }: z.output<typeof shape>,
  wanted: string | undefined,
): Chosen {
  const names = (contexts ?? []).map(({ name }) => name)
  if (names.length === 0) throw new CannotTell(say`the kubeconfig ${file} has no contexts`)
  const name = wanted ?? current
  if (name == null)
    throw new CannotTell(
      say`the kubeconfig ${file} has no current context: name one in the option "context" (it has: ${names})`,
    )
  const found = named(contexts, name)
  if (found !== undefined) return found.context ?? { cluster: null, user: null }
  throw new CannotTell(say`the kubeconfig ${file} has no context ${name} (it has: ${names})`)
}

type Beside = (path: string) => string

async function readCluster(
  file: string,
  cluster: z.output<typeof clusterShape> | null | undefined,
  beside: Beside,
): Promise<ClusterEntry> {
  const server = serverUrl('https:', 'http:').safeParse(cluster?.server).data
  if (cluster == null || server === undefined)
    throw new CannotTell(say`the context of the kubeconfig ${file} names no cluster with a server`)
  for (const name of ['tls-server-name', 'proxy-url'] as const)
    if (cluster[name] != null) throw unable(file, name)
  const authority = await dataOrFile(
    cluster['certificate-authority-data'],
    cluster['certificate-authority'],
    beside,
  )
  return {
    url: server.url,
    ca: authority?.reveal(),
    insecure: cluster['insecure-skip-tls-verify'] ?? false,
  }
}

async function readLogin(
  file: string,
  user: z.output<typeof userShape> | null | undefined,
  beside: Beside,
): Promise<Login> {
  if (user?.exec != null || user?.['auth-provider'] != null)
    throw new CannotTell(
      say`the user of the kubeconfig ${file} logs in by a program (exec or auth-provider), which is not run: give this entry the token of a service account as "tokenFile" (kubectl create token healthz -n healthz)`,
    )
  if (user?.as != null) throw unable(file, 'as')
  const token = user?.tokenFile == null ? secretOf(user?.token) : await readSecret(beside(user.tokenFile))
  const cert = await dataOrFile(user?.['client-certificate-data'], user?.['client-certificate'], beside)
  const key = await dataOrFile(user?.['client-key-data'], user?.['client-key'], beside)
  if ((cert === undefined) !== (key === undefined))
    throw new CannotTell(
      say`the user of the kubeconfig ${file} has a certificate without a key, or a key without one`,
    )
  return {
    token: token ?? null,
    cert: cert?.reveal(),
    key,
    user: user?.username ?? undefined,
    password: secretOf(user?.password),
  }
}

const secretOf = (value: string | null | undefined) => (value == null ? undefined : new Secret(value))

/** What this story does not do must not be passed over: it would ask another server, or as somebody else. */
const unable = (file: string, name: string) =>
  new CannotTell(say`the kubeconfig ${file} sets ${name}, which this story does not understand`)

async function dataOrFile(
  data: string | null | undefined,
  path: string | null | undefined,
  beside: Beside,
): Promise<Secret | undefined> {
  if (data != null) return new Secret(Buffer.from(data, 'base64').toString('utf8'))
  return path == null ? undefined : readSecret(beside(path))
}

/** What the library says against a text quotes it. */
function orNothing(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}
