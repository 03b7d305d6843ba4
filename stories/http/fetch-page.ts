import { ConnectionFailure, kindOf, lookAtTls, type Response, request, say, type Text } from 'healthz'
import type { Options } from './options.ts'
import { isOldTls, tlsPlaceOf } from './tls-place.ts'

/** What came of a request with the redirects it led through. */
export interface Page {
  readonly hops: readonly Hop[]
  readonly end: 'page' | 'loop' | 'too-many' | 'nowhere'
  /** Where the last answer came from. */
  readonly url: URL
  readonly response: Response
  /** Milliseconds from the first request to the last byte. */
  readonly took: number
}

export interface Hop {
  readonly from: URL
  readonly to: URL
}

/** A page behind a certificate that a client would refuse. */
export interface Distrusted {
  readonly distrusted: ConnectionFailure
}

/**
 * Asks for the page and follows its redirects. Credentials and headers of the entry go to its own host only.
 * @throws ConnectionFailure; a certificate that is refused by the page's own host is given back instead.
 */
export async function fetchPage(options: Options, signal: AbortSignal): Promise<Page | Distrusted> {
  const start = performance.now()
  const left = () => Math.max(1, options.timeout - (performance.now() - start))
  const hops: Hop[] = []
  const seen = new Set<string>()
  let url = options.url.url
  for (;;) {
    seen.add(url.href)
    const response = await ask(url, options, left, signal)
    if ('distrusted' in response) {
      if (hops.length > 0) throw response.distrusted
      return response
    }
    const page = (end: Page['end']): Page => ({ hops, end, url, response, took: performance.now() - start })
    const { location } = response.headers
    if (!redirects.has(response.status) || location === undefined || options.redirects === 0)
      return page('page')
    const to = URL.parse(location, url.href)
    if (to === null || !/^https?:$/.test(to.protocol)) return page('nowhere')
    to.hash = ''
    to.username = ''
    to.password = ''
    hops.push({ from: url, to })
    if (seen.has(to.href)) return page('loop')
    if (hops.length > options.redirects) return page('too-many')
    url = to
  }
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** A worker that is being replaced closes connections for a moment, so a connection that breaks is tried once more. */
async function ask(
  url: URL,
  options: Options,
  left: () => number,
  signal: AbortSignal,
): Promise<Response | Distrusted> {
  const isOwn = isSafeFor(url, options.url.url)
  const { method, ca, insecure, headers, user = options.url.user, password = options.url.password } = options
  const once = () =>
    request(url, {
      method,
      ca,
      insecure,
      signal,
      timeout: left(),
      connectTimeout: Math.min(3000, left()),
      takesBroken: true,
      ...(isOwn && { user, password, headers: revealed(headers) }),
    })
  try {
    return await once().catch((error) => {
      if (kindOf(error) !== 'reset') throw error
      return once()
    })
  } catch (error) {
    if (!(error instanceof ConnectionFailure)) throw error
    if (distrusts.has(error.kind)) return { distrusted: error }
    if (error.kind === 'tls-plain' && (await speaksOldTls(url, signal)))
      return { distrusted: new OldTls(error.address) }
    throw error
  }
}

/** Credentials may go to their own origin, and to the same host once it redirects to TLS. */
function isSafeFor(url: URL, own: URL): boolean {
  if (url.origin === own.origin) return true
  return own.protocol === 'http:' && url.origin === `https://${own.hostname}`
}

const distrusts: ReadonlySet<string> = new Set(['tls-untrusted', 'tls-expired', 'tls-hostname'])

/** A refused handshake looks the same whether there is no TLS, or none that is new enough. */
async function speaksOldTls(url: URL, signal: AbortSignal): Promise<boolean> {
  try {
    return isOldTls((await lookAtTls(tlsPlaceOf(url), { signal })).protocol)
  } catch {
    return false // no TLS at all
  }
}

/** The server speaks TLS, but no version that is still safe. */
class OldTls extends ConnectionFailure {
  constructor(address: string) {
    const advice = say`allow TLSv1.2 and TLSv1.3 in the settings of the server (nginx: ssl_protocols)`
    super('protocol', address, { advice })
  }

  override get summary(): Text {
    return say`${this.address} speaks only versions of TLS that are no longer safe`
  }
}

function revealed(headers: Options['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()]))
}
