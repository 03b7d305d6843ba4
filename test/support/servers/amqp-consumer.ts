import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * Consumes from a queue over AMQP 0-9-1 and keeps what it gets unacknowledged until it is told otherwise. It speaks
 * just the few methods that this takes, with fixed arguments; no heartbeats, one channel.
 */
export async function startAmqpConsumer(to: AmqpAccess, queue: string, prefetch = 0): Promise<AmqpConsumer> {
  const socket = connect(to.port, '127.0.0.1')
  const delivered: bigint[] = []
  const replies = listen(socket, delivered)
  try {
    await once(socket, 'connect')
    socket.write('AMQP\0\0\x09\x01', 'latin1')
    await replies.of(10, 10)
    const login = shortLong(`\0${to.user}\0${to.password}`)
    socket.write(method(0, 10, 11, long(0), shortString('PLAIN'), login, shortString('en_US')))
    await replies.of(10, 30)
    socket.write(method(0, 10, 31, short(1), long(131_072), short(0)))
    socket.write(method(0, 10, 40, shortString(to.vhost), shortString(''), octet(0)))
    await replies.of(10, 41)
    socket.write(method(1, 20, 10, shortString('')))
    await replies.of(20, 11)
    socket.write(method(1, 60, 10, long(0), short(prefetch), octet(0)))
    await replies.of(60, 11)
    socket.write(method(1, 60, 20, short(0), shortString(queue), shortString(''), octet(0), long(0)))
    await replies.of(60, 21)
  } catch (error) {
    socket.destroy()
    throw error
  }
  return {
    delivered: () => delivered.length,
    acknowledge: () => {
      socket.write(method(1, 60, 80, longLong(delivered.at(-1) ?? 0n), octet(1)))
    },
    isConnected: () => !socket.destroyed && !replies.has(10, 50),
    [Symbol.asyncDispose]: async () => {
      if (socket.destroyed) return
      socket.destroy()
      await once(socket, 'close')
    },
  }
}

export interface AmqpAccess {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly vhost: string
}

export interface AmqpConsumer extends AsyncDisposable {
  /** How many messages came so far. */
  delivered(): number
  /** Acknowledges all that came so far. */
  acknowledge(): void
  /** Whether the server has not told it to go. */
  isConnected(): boolean
}

interface Replies {
  /** Resolves when the server said this method; rejects when it closes the connection or the channel. */
  of(classId: number, methodId: number): Promise<void>
  /** Whether the server has said this method. */
  has(classId: number, methodId: number): boolean
}

function listen(socket: Socket, delivered: bigint[]): Replies {
  const heard = new Set<string>()
  const waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  let rest = Buffer.alloc(0)
  socket.on('error', () => {}) // told by the close below
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the server closed the connection'))
  })
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 7 && rest.length >= rest.readUInt32BE(3) + 8) {
      const end = rest.readUInt32BE(3) + 7
      if (rest[0] === 1) take(rest.subarray(7, end))
      rest = rest.subarray(end + 1)
    }
  })
  const take = (payload: Buffer) => {
    const name = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`
    if (name === '60.60') delivered.push(payload.readBigUInt64BE(5 + (payload[4] ?? 0)))
    if (name === '10.50' || name === '20.40') {
      const text = payload.subarray(7, 7 + (payload[6] ?? 0)).toString()
      for (const { reject } of waiting.values()) reject(new Error(`the server refused: ${text}`))
    }
    heard.add(name)
    waiting.get(name)?.resolve()
  }
  return {
    has: (classId, methodId) => heard.has(`${classId}.${methodId}`),
    async of(classId, methodId) {
      const name = `${classId}.${methodId}`
      if (heard.has(name)) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      waiting.set(name, { resolve, reject })
      await promise
      waiting.delete(name)
    },
  }
}

/** A method frame: type 1, channel, length, class, method, arguments, end mark. */
function method(channel: number, classId: number, methodId: number, ...parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([short(classId), short(methodId), ...parts])
  return Buffer.concat([octet(1), short(channel), long(payload.length), payload, octet(0xce)])
}

const octet = (value: number) => Buffer.from([value])

function short(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeUInt16BE(value)
  return buffer
}

function long(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}

function longLong(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(value)
  return buffer
}

const shortString = (text: string) => Buffer.concat([octet(text.length), Buffer.from(text)])

const shortLong = (text: string) => Buffer.concat([long(text.length), Buffer.from(text)])
