import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { listen } from './listening.ts'
import { onOwnPort } from './own-ports.ts'

/**
 * Starts something on `count` free loopback ports. Another program may take a port between the moment it was
 * found free and the moment it is used, so a start that fails with "address in use" is tried once more.
 */
export async function onFreePorts<T>(count: number, start: (...ports: Ports) => Promise<T>): Promise<T> {
  try {
    return await start(...atMostFour(await freePorts(count)))
  } catch (error) {
    if (!isAddressInUse(error)) throw error
    return await start(...atMostFour(await freePorts(count)))
  }
}

/** As many ports as any of the servers takes; those not asked for are 0. */
type Ports = [first: number, second: number, third: number, fourth: number]

/** A loopback port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

/** Different loopback ports that nothing listens on at the moment. */
export async function freePorts(count: number): Promise<readonly number[]> {
  // All are held at the same time, so that they differ.
  const held = await Promise.all(Array.from({ length: count }, () => holdPort()))
  await Promise.all(held.map(({ release }) => release()))
  return held.map(({ port }) => port)
}

/** Resolves when something accepts a connection on the loopback port, and rejects when nothing does. */
export async function canConnect(port: number): Promise<true> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1000) })
    return true
  } finally {
    socket.destroy()
  }
}

function atMostFour([first = 0, second = 0, third = 0, fourth = 0]: readonly number[]): Ports {
  return [first, second, third, fourth]
}

async function holdPort(): Promise<{ port: number; release: () => Promise<unknown> }> {
  const server = createServer()
  const port = await onOwnPort((port) => listen(server, port))
  return { port, release: () => new Promise((resolve) => server.close(resolve)) }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && /EADDRINUSE|address (is )?already in use/i.test(error.message)
}
