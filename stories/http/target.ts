import {
  CannotTell,
  ConnectionFailure,
  lookAtTls,
  type OpenContext,
  say,
  shareInFlight,
  stepOf,
  type TlsView,
} from 'healthz'
import { type Distrusted, fetchPage, type Page } from './fetch-page.ts'
import type { Options } from './options.ts'
import { presetOf } from './presets.ts'
import { tlsPlaceOf } from './tls-place.ts'

/** A page, and the server that should answer. */
export interface Site {
  /** The page's URL without its query, which may hold a token. */
  readonly address: string
  /** Why there is no answer at all; null where there is one. */
  failure(signal: AbortSignal): Promise<ConnectionFailure | null>
  /**
   * The page, asked once for the steps that ask together.
   * @throws CannotTell where its certificate is refused, ConnectionFailure where there is no answer
   */
  page(signal: AbortSignal): Promise<Page>
  /** The page, asked anew. */
  pageAgain(signal: AbortSignal): Promise<Page>
  /** What its server shows of TLS, whatever its certificate. */
  tls(signal: AbortSignal): Promise<TlsView>
}

/** Declares a step of this story. */
export const step = stepOf<Site, Options>()

/** A URL as people may see it. */
export const shown = (url: URL): string => url.origin + url.pathname

/** @throws ConnectionFailure when there is no answer at all, unless the entry knows what to do about it. */
export async function openSite({ options, signal }: OpenContext<Options>): Promise<Site> {
  const visit = async (within: AbortSignal): Promise<Page | Distrusted> => {
    try {
      return await fetchPage(options, within)
    } catch (error) {
      throw advised(error, options)
    }
  }
  const first = await visit(signal).catch((error: unknown) => {
    if (options.resolveWith !== undefined && error instanceof ConnectionFailure && isDown(error)) return error
    throw error
  })
  const at = performance.now()
  const ask = shareInFlight(visit)
  const latest = async (within: AbortSignal) => {
    const visited = performance.now() - at < justNow ? first : await ask(within)
    if (visited instanceof ConnectionFailure) throw visited
    return visited
  }
  const place = { ...tlsPlaceOf(options.url.url), ca: options.ca }
  return {
    address: shown(options.url.url),
    failure: (within) => latest(within).then(() => null, connectionFailure),
    page: async (within) => trusted(await latest(within)),
    pageAgain: async (within) => trusted(await visit(within)),
    tls: shareInFlight((within) => lookAtTls(place, { signal: within })),
  }
}

/** Nothing listens, or whoever listens hangs: what a restart may mend. An answer, whatever it says, is none of it. */
export function isDown({ kind }: ConnectionFailure): boolean {
  return kind === 'refused' || kind === 'timeout-reply'
}

/** The failure with what its preset knows to do about it. */
function advised(error: unknown, options: Options): unknown {
  if (!(error instanceof ConnectionFailure)) return error
  const { kind, address, detail, cause } = error
  const advice = presetOf(options.preset).advice?.[kind]
  return advice === undefined ? error : new ConnectionFailure(kind, address, { detail, advice, cause })
}

/** Milliseconds in which the answer to the opening is as good as a new one. */
const justNow = 500

function connectionFailure(error: unknown): ConnectionFailure {
  if (error instanceof ConnectionFailure) return error
  throw error
}

function trusted(visit: Page | Distrusted): Page {
  if ('distrusted' in visit) throw new CannotTell(say`not asked for: ${visit.distrusted.summary}`)
  return visit
}
