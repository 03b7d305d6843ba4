import type { Socket } from 'node:net'
import { ConnectionFailure, connectTcp, milliseconds, say } from 'healthz'
import type { Place } from './options.ts'
import { refusal } from './refusal.ts'

/** How long a server may take to greet and to log in, in milliseconds. */
export const patience = 3000

/**
 * Opens a socket and waits until the server greets, as MySQL does unasked. The greeting stays in the socket, for the
 * client library to read. So a host that is down, a process that hangs, a full server and another protocol are told
 * apart before a password is on its way.
 * @throws ConnectionFailure
 */
export async function reach(place: Place, signal: AbortSignal): Promise<Socket> {
  const socket = await connectTcp(place.to, { signal, connectTimeout: patience })
  try {
    const bytes = await firstBytes(socket, place.address, signal)
    const greeting = readGreeting(bytes)
    if (greeting === 'mysql') {
      socket.unshift(bytes)
      return socket
    }
    if (greeting === 'nothing') throw new ConnectionFailure('reset', place.address)
    if (greeting === 'other') throw otherProtocol(place.address)
    throw refusal(greeting.errno, place)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** What a server's first bytes are: MySQL's greeting (protocol 10), a refusal, or nothing of MySQL's. */
export function readGreeting(bytes: Buffer): 'mysql' | 'nothing' | 'other' | { readonly errno: number } {
  if (bytes.length === 0) return 'nothing'
  if (bytes.length < enough || bytes.readUIntLE(0, 3) > 4096) return 'other'
  if (bytes[4] === 0xff) return { errno: bytes.readUInt16LE(5) }
  return bytes[4] === 10 ? 'mysql' : 'other'
}

/** A packet's header, its first byte and an error's number. */
const enough = 7

function firstBytes(socket: Socket, address: string, signal: AbortSignal): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  let heard: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  const read = () => {
    const chunk: Buffer | null = socket.read()
    if (chunk !== null) heard = Buffer.concat([heard, chunk])
    if (heard.length >= enough) resolve(heard)
  }
  const end = () => resolve(heard)
  const abort = () => reject(signal.reason)
  const timer = setTimeout(() => {
    const detail = say`no greeting within ${milliseconds(patience)}`
    reject(
      heard.length > 0 ? otherProtocol(address) : new ConnectionFailure('timeout-reply', address, { detail }),
    )
  }, patience)
  socket.on('readable', read).once('end', end).once('close', end)
  signal.addEventListener('abort', abort, { once: true })
  return promise.finally(() => {
    clearTimeout(timer)
    socket.off('readable', read).off('end', end).off('close', end)
    signal.removeEventListener('abort', abort)
  })
}

function otherProtocol(address: string): ConnectionFailure {
  return new ConnectionFailure('protocol', address, { detail: say`it does not greet as MySQL does` })
}
