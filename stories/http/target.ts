import { CannotTell, lookAtTls, type OpenContext, say, shareInFlight, stepOf, type TlsView } from 'healthz'
import { type Distrusted, fetchPage, type Page } from './fetch-page.ts'
import type { Options } from './options.ts'
import { tlsPlaceOf } from './tls-place.ts'

/** A page whose server answers. */
export interface Site {
  /** The page's URL without its query, which may hold a token. */
  readonly address: string
  /** The page, asked once for the steps that ask together. @throws CannotTell where its certificate is refused. */
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

/** @throws ConnectionFailure when there is no answer at all. */
export async function openSite({ options, signal }: OpenContext<Options>): Promise<Site> {
  const first = await fetchPage(options, signal)
  const at = performance.now()
  const ask = shareInFlight((within: AbortSignal) => fetchPage(options, within))
  const place = { ...tlsPlaceOf(options.url.url), ca: options.ca }
  return {
    address: shown(options.url.url),
    page: async (within) => trusted(performance.now() - at < justNow ? first : await ask(within)),
    pageAgain: async (within) => trusted(await fetchPage(options, within)),
    tls: shareInFlight((within) => lookAtTls(place, { signal: within })),
  }
}

/** Milliseconds in which the answer to the opening is as good as a new one. */
const justNow = 500

function trusted(visit: Page | Distrusted): Page {
  if ('distrusted' in visit) throw new CannotTell(say`not asked for: ${visit.distrusted.summary}`)
  return visit
}
