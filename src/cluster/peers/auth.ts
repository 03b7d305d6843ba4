import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Secret } from '../../core/secret.ts'

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** What is signed of a question. */
export interface Question {
  readonly method: string
  readonly path: string
  readonly body: string
}

/** What becomes of a question: `nonce` goes into the answer's signature; `challenge` is to be signed in turn. */
export type Verdict =
  | { readonly result: 'genuine'; readonly nonce: string }
  | { readonly result: 'skewed'; readonly nonce: string; readonly challenge: string }
  | { readonly result: 'forged' }
  | { readonly result: 'replayed' }
  | { readonly result: 'crowded' }

export const header = {
  time: 'x-healthz-time',
  nonce: 'x-healthz-nonce',
  signature: 'x-healthz-signature',
  challenge: 'x-healthz-challenge',
} as const

/** How far the clocks of two nodes may be apart before one has to answer a challenge, in milliseconds. */
export const clockWindow = 30_000

const challengeLife = 10_000
const mostNonces = 50_000
const mostChallenges = 1000

/**
 * The headers that prove that a question comes from a holder of the secret. With a challenge of the receiver's it
 * is genuine whatever the clocks say.
 */
export function signQuestion(
  secret: Secret,
  question: Question,
  at: number,
  challenge: string | null = null,
): Record<string, string> {
  const nonce = randomBytes(16).toString('hex')
  const time = String(Math.round(at))
  return {
    [header.time]: time,
    [header.nonce]: nonce,
    ...(challenge !== null && { [header.challenge]: challenge }),
    [header.signature]: questionMac(secret, question, time, nonce, challenge ?? ''),
  }
}

/** The signature of an answer: without it, whoever listens at a peer's old address could hush a node. */
export function signAnswer(
  secret: Secret,
  nonce: string,
  status: number,
  challenge: string,
  body: string,
): string {
  return mac(secret, ['answer', nonce, String(status), challenge, digest(body)])
}

export function isAnswerGenuine(
  secret: Secret,
  nonce: string,
  status: number,
  headers: Headers,
  body: string,
): boolean {
  const challenge = one(headers, header.challenge) ?? ''
  return isEqual(one(headers, header.signature), signAnswer(secret, nonce, status, challenge, body))
}

/** Tells genuine questions from others; each counts once. */
export function createVerifier(
  secret: Secret,
  clock: Clock,
): (question: Question, headers: Headers) => Verdict {
  /** Until when each is remembered, monotonic; oldest first. */
  const nonces = new Map<string, number>()
  const challenges = new Map<string, number>()
  return (question, headers) => {
    const time = one(headers, header.time) ?? ''
    const nonce = one(headers, header.nonce) ?? ''
    const challenge = one(headers, header.challenge) ?? ''
    if (!/^\d{1,16}$/.test(time) || !/^[0-9a-f]{32}$/.test(nonce)) return { result: 'forged' }
    const expected = questionMac(secret, question, time, nonce, challenge)
    if (!isEqual(one(headers, header.signature), expected)) return { result: 'forged' }

    const now = clock.elapsed()
    dropOld(nonces, now)
    dropOld(challenges, now)
    if (nonces.has(nonce)) return { result: 'replayed' }
    if (challenge !== '') {
      return challenges.delete(challenge) ? { result: 'genuine', nonce } : { result: 'replayed' }
    }
    if (Math.abs(Number(time) - clock.now()) > clockWindow) {
      if (challenges.size >= mostChallenges) return { result: 'crowded' }
      const fresh = randomBytes(16).toString('hex')
      challenges.set(fresh, now + challengeLife)
      return { result: 'skewed', nonce, challenge: fresh }
    }
    // To forget one early would let it be played again.
    if (nonces.size >= mostNonces) return { result: 'crowded' }
    nonces.set(nonce, now + 2 * clockWindow)
    return { result: 'genuine', nonce }
  }
}

/** Both maps keep their entries for one length each, so the oldest stand first. */
function dropOld(until: Map<string, number>, now: number): void {
  for (const [key, end] of until) {
    if (end > now) return
    until.delete(key)
  }
}

function questionMac(
  secret: Secret,
  { method, path, body }: Question,
  time: string,
  nonce: string,
  challenge: string,
): string {
  return mac(secret, ['question', method, path, time, nonce, challenge, digest(body)])
}

function mac(secret: Secret, parts: readonly string[]): string {
  return createHmac('sha256', secret.reveal()).update(JSON.stringify(parts)).digest('hex')
}

const digest = (body: string) => createHash('sha256').update(body).digest('hex')

function isEqual(given: string | null, expected: string): boolean {
  if (given === null) return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function one(headers: Headers, name: string): string | null {
  const value = headers[name]
  return typeof value === 'string' ? value : null
}
