import { readFile } from 'node:fs/promises'
import { CannotTell, Secret, say } from 'healthz'
import type { Options } from './options.ts'

/** Where the API server is, and who asks it. */
export interface Access {
  readonly url: URL
  readonly token: Secret | null
  readonly cert: string | undefined
  readonly key: Secret | undefined
  readonly ca: string | undefined
  readonly insecure: boolean
}

/** Where a pod finds what it was given. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/** @throws CannotTell where neither the entry nor a pod says it */
export async function accessOf(
  options: Options,
  account = serviceAccount,
  env = process.env,
): Promise<Access> {
  const { url, token, tokenFile, ca, cert, key, insecure } = options
  if (url !== undefined) {
    const read = tokenFile === undefined ? null : await mustRead(tokenFile)
    return { url: url.url, token: token ?? read, cert, key, ca, insecure }
  }
  const [host, port] = [env['KUBERNETES_SERVICE_HOST'], env['KUBERNETES_SERVICE_PORT'] ?? '443']
  if (host === undefined)
    throw new CannotTell(say`this is no pod of Kubernetes: name the API server in the option "url"`)
  return {
    url: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    token: token ?? (await mustRead(tokenFile ?? `${account}/token`)),
    cert,
    key,
    ca: ca ?? (await mustRead(`${account}/ca.crt`)).reveal(),
    insecure,
  }
}

async function mustRead(file: string): Promise<Secret> {
  try {
    return new Secret((await readFile(file, 'utf8')).trim())
  } catch {
    throw new CannotTell(say`the file ${file} cannot be read on this node`)
  }
}
