import { CannotTell, type Secret, say } from 'healthz'
import { type Login, readKubeconfig } from './kubeconfig.ts'
import type { Options } from './options.ts'
import { readSecret } from './read-secret.ts'

/** Where the API server is, and who asks it. */
export interface Access extends Login {
  readonly url: URL
  readonly ca: string | undefined
  readonly insecure: boolean
}

/** Where a pod finds what it was given. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/** @throws CannotTell where neither the entry nor its kubeconfig nor a pod says it */
export async function accessOf(
  options: Options,
  account = serviceAccount,
  env = process.env,
): Promise<Access> {
  const { url, ca, insecure } = options
  const own = await ownLogin(options)
  if (options.kubeconfig !== undefined) return byKubeconfig(options.kubeconfig, options, own)
  if (url !== undefined) return { ...(own ?? nobody), url: url.url, ca, insecure }
  const [host, port] = [env['KUBERNETES_SERVICE_HOST'], env['KUBERNETES_SERVICE_PORT'] ?? '443']
  if (host === undefined)
    throw new CannotTell(
      say`this is no pod of Kubernetes: name the API server in the option "url", or a "kubeconfig"`,
    )
  return {
    ...(own?.token ? own : { ...(own ?? nobody), token: await readSecret(`${account}/token`) }),
    url: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    ca: ca ?? (await readSecret(`${account}/ca.crt`)).reveal(),
    insecure,
  }
}

/** What the entry says wins over the file, as the flags of kubectl do: the login as a whole. */
async function byKubeconfig(file: string, options: Options, own: Login | null): Promise<Access> {
  const config = await readKubeconfig(file, options.context)
  const cluster = await config.cluster()
  return {
    ...(own ?? (await config.login())),
    url: options.url?.url ?? cluster.url,
    ca: options.ca ?? cluster.ca,
    insecure: options.insecure || (options.ca === undefined && cluster.insecure),
  }
}

const nobody: Login = { token: null, cert: undefined, key: undefined, user: undefined, password: undefined }

/** How the entry itself logs in; null where it says nothing of it. */
async function ownLogin({ token, tokenFile, cert, key }: Options): Promise<Login | null> {
  const read: Secret | undefined =
    token ?? (tokenFile === undefined ? undefined : await readSecret(tokenFile))
  if (read === undefined && cert === undefined) return null
  return { ...nobody, token: read ?? null, cert, key }
}
