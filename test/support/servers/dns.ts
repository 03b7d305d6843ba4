import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** Starts a name server on a loopback UDP port that answers for the names it is given, and NXDOMAIN for all others. */
export async function startDns(): Promise<Dns> {
  const socket = createSocket('udp4')
  const zone = new Map<string, DnsReply>()
  socket.on('message', async (query, from) => {
    const { name, type } = questionOf(query)
    const reply = zone.get(`${type} ${name}`) ?? (knows(zone, name) ? 'NODATA' : 'NXDOMAIN')
    if (reply === 'silence') return
    if (typeof reply === 'object' && reply.after !== undefined) await sleep(reply.after)
    try {
      socket.send(messageOf(query, type, reply), from.port, from.address)
    } catch {
      // It was closed in the meantime.
    }
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    reply: (question, reply) => void zone.set(question, reply),
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => socket.close(() => resolve()))
    },
  }
}

export interface Dns extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string
  /** What it says to a question such as `A ok.test` from now on. */
  reply(question: `${RecordType} ${string}`, reply: DnsReply): void
}

export type DnsReply =
  | 'NXDOMAIN'
  | 'NODATA'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'silence'
  /** Records as texts, an MX as `10 mail.test`; after so many milliseconds. */
  | { readonly records: readonly string[]; readonly after?: number }

type RecordType = keyof typeof types

const types = { A: 1, CNAME: 5, MX: 15, TXT: 16, AAAA: 28 } as const

const knows = (zone: ReadonlyMap<string, DnsReply>, name: string) =>
  [...zone.keys()].some((question) => question.endsWith(` ${name}`))

function questionOf(query: Buffer): { name: string; type: string } {
  const { labels, end } = labelsAt(query, 12)
  const number = query.readUInt16BE(end)
  const type = Object.entries(types).find(([, code]) => code === number)?.[0] ?? 'A'
  return { name: labels.join('.').toLowerCase(), type }
}

function labelsAt(query: Buffer, start: number): { labels: string[]; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { labels, end: at + 1 }
}

/** RFC 1035, section 4.1: header, the question again, and a record for each answer, whose name points to the question. */
function messageOf(query: Buffer, type: string, reply: Exclude<DnsReply, 'silence'>): Buffer {
  const records = typeof reply === 'object' ? reply.records : []
  const code = { NXDOMAIN: 3, NODATA: 0, SERVFAIL: 2, REFUSED: 5 }
  const question = query.subarray(12, labelsAt(query, 12).end + 4)
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8180 | (typeof reply === 'object' ? 0 : code[reply]), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  return Buffer.concat([header, question, ...records.map((record) => answerOf(type as RecordType, record))])
}

function answerOf(type: RecordType, record: string): Buffer {
  const content = contentOf(type, record)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(types[type], 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(1, 6)
  head.writeUInt16BE(content.length, 10)
  return Buffer.concat([head, content])
}

function contentOf(type: RecordType, record: string): Buffer {
  if (type === 'A') return Buffer.from(record.split('.').map(Number))
  if (type === 'TXT') return Buffer.concat([Buffer.from([record.length]), Buffer.from(record)])
  if (type === 'AAAA') return Buffer.from(record.split(':').flatMap(bytesOf))
  if (type === 'CNAME') return nameOf(record)
  const [preference = '0', exchange = ''] = record.split(' ')
  return Buffer.concat([Buffer.from([0, Number(preference)]), nameOf(exchange)])
}

/** Two bytes of a group of an IPv6 address that is written out in full. */
const bytesOf = (group: string) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]

function nameOf(name: string): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.from([0])])
}
