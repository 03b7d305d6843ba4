import type { TlsPlace } from 'healthz'

/** Where the TLS server of a URL is. */
export function tlsPlaceOf({ hostname, port }: URL): TlsPlace {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || 443 }
}

/** Whether clients of today refuse to speak it. */
export const isOldTls = (protocol: string) => old.has(protocol)

const old: ReadonlySet<string> = new Set(['SSLv3', 'TLSv1', 'TLSv1.1'])
