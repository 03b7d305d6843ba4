import { parseJson, z } from 'healthz'

/*
 * Celery's remote control, as kombu's mailbox speaks it: a question goes to all workers through a fan-out exchange,
 * each answers with a message of its own to the queue that the question names.
 */

/** The mailbox of Celery; an application that renames it (`control_exchange`) is not asked. */
export const mailbox = 'celery.pidbox'
export const replyMailbox = `reply.${mailbox}`

export interface Question {
  readonly method: string
  readonly arguments?: Readonly<Record<string, unknown>>
  /** The workers that are meant; left out: all. */
  readonly destination?: readonly string[]
}

/** Where the answers go, and by what they are known. */
export interface ReturnAddress {
  readonly id: string
  readonly ticket: string
}

export const replyQueue = ({ id }: ReturnAddress) => `${id}.${replyMailbox}`

/** The body of a question, JSON. */
export function bodyOf(question: Question, { id, ticket }: ReturnAddress): string {
  return JSON.stringify({
    method: question.method,
    arguments: question.arguments ?? {},
    destination: question.destination ?? null,
    pattern: null,
    matcher: null,
    ticket,
    reply_to: { exchange: replyMailbox, routing_key: id },
  })
}

/** A question as kombu puts it into a Redis. */
export function envelopeOf(question: Question, address: ReturnAddress, expires: number): string {
  return JSON.stringify({
    body: Buffer.from(bodyOf(question, address)).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { clock: 1, expires },
    properties: {
      delivery_mode: 1,
      delivery_info: { exchange: mailbox, routing_key: '' },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: address.ticket,
    },
  })
}

/** An answer by the name of its worker; several never come in one message, but the form would allow it. */
export type Replies = ReadonlyMap<string, unknown>

/** The answers in a message of kombu's from a Redis; null where it is none. */
export function openEnvelope(text: string): Replies | null {
  const { data } = envelope.safeParse(parseJson(text))
  if (data === undefined) return null
  const encoding = data.properties?.body_encoding === 'base64' ? 'base64' : 'utf8'
  return repliesOf(Buffer.from(data.body, encoding).toString('utf8'))
}

/** The answers in the body of a message; null where it is none. */
export function repliesOf(body: string): Replies | null {
  const { data } = z.record(z.string(), z.unknown()).safeParse(parseJson(body))
  return data === undefined ? null : new Map(Object.entries(data))
}

const envelope = z.looseObject({
  body: z.string(),
  properties: z.looseObject({ body_encoding: z.string().optional() }).optional(),
})
