import { ConnectionFailure, connectTcp, type ServerUrl } from 'healthz'

/** A port that clients use, and why it cannot be reached; null where it can. */
export interface AmqpPort {
  readonly address: string
  readonly failure: ConnectionFailure | null
}

/** Looks whether something accepts connections on these ports. It says nothing to it, so nobody has to log in. */
export function lookAtAmqp(ports: readonly ServerUrl[], signal: AbortSignal): Promise<readonly AmqpPort[]> {
  return Promise.all(ports.map(({ url }) => lookAt(url, signal)))
}

async function lookAt(url: URL, signal: AbortSignal): Promise<AmqpPort> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (url.protocol === 'amqps:' ? 5671 : 5672)
  const address = `${host}:${port}`
  try {
    const socket = await connectTcp({ host, port }, { signal })
    socket.destroy()
    return { address, failure: null }
  } catch (failure) {
    if (failure instanceof ConnectionFailure) return { address, failure }
    throw failure
  }
}
