import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'

/** Whether a name or an address leads to this host. */
export async function isThisHost(host: string): Promise<boolean> {
  const own = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address))
  try {
    const found = await lookup(host.replace(/^\[|\]$/g, ''), { all: true })
    return found.some(({ address }) => own.includes(address) || /^127\.|^::1$/.test(address))
  } catch {
    return false // a name that nobody knows is no name of this host
  }
}
