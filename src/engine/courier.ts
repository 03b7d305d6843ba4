import { backoff } from '../core/backoff.ts'
import { TryLater, Undeliverable } from '../core/channel.ts'
import type { Clock } from '../core/clock.ts'
import { digestOf } from '../core/digest.ts'
import type { Observe } from '../core/observer.ts'
import type { AlarmPolicy, ChannelEntry } from '../core/plan.ts'
import type { Redact } from '../core/secret.ts'
import { Fenced, type Outgoing, type Settlement, type Store } from '../core/store.ts'
import type { Language } from '../core/text.ts'
import { within } from './deadline.ts'
import type { Term } from './term.ts'
import { wordsOf } from './words.ts'

export interface CourierPorts {
  readonly clock: Clock
  readonly store: Store
  readonly redact: Redact
  readonly observe: Observe
  readonly channels: readonly ChannelEntry[]
  readonly alarms: AlarmPolicy
  readonly language: Language
  readonly platform: string
  readonly node: string
}

/** Empties the outbox, each channel for itself: a channel that hangs or fails holds up no other. */
export interface Courier {
  /** Looks into the outbox now. */
  wake(): void
  /**
   * Runs until the term ends; what is being sent then is left to be sent again. Once `until` has aborted it finishes
   * what is on its way and begins nothing new.
   */
  run(term: Term, until?: AbortSignal): Promise<void>
  /** Sends all that is due now, without waiting for company; returns how many alarms stayed undelivered. */
  flush(term: Term): Promise<number>
}

const sendDeadline = 30_000
/** The outbox is looked into at least this often: for alarms held back and for another process's consent. */
const lookEvery = 5000
const mostInOneDigest = 100

export function createCourier(ports: CourierPorts): Courier {
  const doorbells = new Set<() => void>()
  return {
    wake() {
      for (const ring of doorbells) ring()
    },
    async run(term, until = term.signal) {
      const ending = AbortSignal.any([term.signal, until])
      await Promise.all(ports.channels.map((channel) => serve(channel, ports, term, ending, doorbells)))
    },
    async flush(term) {
      const began = ports.clock.now()
      await Promise.all(ports.channels.map((channel) => sendDue(channel, ports, term, [])))
      const known = new Set(ports.channels.map(({ name }) => name))
      const left = await ports.store.backlog(began)
      return left
        .filter(({ channel }) => known.has(channel))
        .reduce((sum, { pending, failed }) => sum + pending + failed, 0)
    },
  }
}

/** One channel's loop: wait for alarms, let the group gather, send, back off while it fails. */
async function serve(
  channel: ChannelEntry,
  ports: CourierPorts,
  term: Term,
  ending: AbortSignal,
  doorbells: Set<() => void>,
): Promise<void> {
  const { clock, store, observe } = ports
  /** What a store that failed for a moment has yet to be told of digests that have left. */
  const unsettled: Settlement[] = []
  /** What was on its way before this loop began, and where the answer to a claim was lost. */
  let isInDoubt = true
  while (!ending.aborted) {
    let wait = lookEvery
    try {
      if (unsettled.length > 0) await store.settle(term, unsettled)
      unsettled.length = 0
      if (isInDoubt) await store.resume(term, channel.name)
      isInDoubt = false
      if (await handOver(channel, ports, term)) for (const ring of doorbells) ring()
      wait = await untilDue(channel, ports)
      if (wait <= 0) await sendDue(channel, ports, term, unsettled)
    } catch (error) {
      wait = lookEvery
      isInDoubt = true
      if (error instanceof Fenced) return observe({ type: 'fenced', act: 'send' })
      observe({ type: 'courier-failed', channel: channel.name, error })
    }
    if (wait > 0) await rest(Math.min(wait, lookEvery), clock, ending, doorbells)
  }
}

/** Milliseconds until the channel's next digest may leave: its first alarm is due and has waited for company. */
async function untilDue(channel: ChannelEntry, { clock, store, alarms }: CourierPorts): Promise<number> {
  const now = clock.now()
  const waiting = (await store.backlog(now)).find((one) => one.channel === channel.name)
  if (waiting === undefined || waiting.due === null) return lookEvery
  return Math.max(waiting.due, (waiting.oldest ?? now) + alarms.groupWait) - now
}

/** Gives what this channel could not deliver for too long to the fallback; true where there was any. */
async function handOver(
  channel: ChannelEntry,
  { clock, store, alarms }: CourierPorts,
  term: Term,
): Promise<boolean> {
  if (alarms.fallback === null || alarms.fallback === channel.name) return false
  const at = clock.now()
  const moved = await store.reroute(term, {
    from: channel.name,
    to: alarms.fallback,
    createdBefore: at - alarms.fallbackAfter,
    at,
  })
  return moved > 0
}

/** Waits, at most `ms`, until the bell rings or the term ends. */
async function rest(
  ms: number,
  clock: Clock,
  signal: AbortSignal,
  doorbells: Set<() => void>,
): Promise<void> {
  const woken = new AbortController()
  const ring = () => woken.abort()
  doorbells.add(ring)
  try {
    await clock.sleep(ms, AbortSignal.any([signal, woken.signal]))
  } catch (error) {
    if (!signal.aborted && !woken.signal.aborted) throw error
  } finally {
    doorbells.delete(ring)
  }
}

/** Sends what is due on one channel as one digest, and writes down how it went. */
async function sendDue(
  channel: ChannelEntry,
  ports: CourierPorts,
  term: Term,
  unsettled: Settlement[],
): Promise<void> {
  const { clock, store, observe } = ports
  const outgoing = await store.claim(term, { channel: channel.name, at: clock.now(), limit: mostInOneDigest })
  if (outgoing.length === 0) return
  const outcome = await send(channel, outgoing, ports, term)
  const at = clock.now()
  const attempts = Math.max(...outgoing.map((one) => one.attempts))
  const settlements = outgoing.map(({ id }): Settlement => {
    if (outcome.result === 'sent')
      return { id, result: 'sent', at, ...(outcome.refused && { error: outcome.refused }) }
    const { error } = outcome
    if (outcome.result === 'failed') return { id, result: 'failed', at, error }
    return { id, result: 'retry', at, error, due: at + (outcome.after ?? backoff(attempts)) }
  })
  unsettled.push(...settlements)
  await store.settle(term, settlements)
  unsettled.length = 0
  for (const { createdAt } of outgoing) {
    const waited = Math.max(0, at - createdAt)
    const words = outcome.result === 'sent' ? outcome.refused : outcome.error
    observe({ type: 'alarm-settled', channel: channel.name, result: outcome.result, waited, error: words })
  }
}

type Outcome =
  /** `refused`: the receivers who did not take what others took; null: all took it. */
  | { readonly result: 'sent'; readonly refused: string | null }
  | { readonly result: 'failed'; readonly error: string }
  | { readonly result: 'retry'; readonly error: string; readonly after: number | null }

async function send(
  { channel, options }: ChannelEntry,
  outgoing: readonly Outgoing[],
  { clock, redact, language, platform, node }: CourierPorts,
  { signal, ...term }: Term,
): Promise<Outcome> {
  const alarms = outgoing.map(({ alarm }) => alarm)
  const digest = digestOf(alarms, { platform, node, language, at: clock.now() })
  try {
    const delivery = await within(clock, sendDeadline, signal, (sendSignal) => {
      if (term.isOver()) throw new Error('interrupted')
      return channel.send({ options, digest, signal: sendSignal, isWithdrawn: () => term.isOver() })
    })
    const refused = delivery?.refused ?? []
    return { result: 'sent', refused: refused.length === 0 ? null : redact(refused.join('; ')) }
  } catch (error) {
    if (signal.aborted || term.isOver()) return { result: 'retry', error: 'interrupted', after: 0 }
    const words = wordsOf(error, redact)
    if (error instanceof Undeliverable) return { result: 'failed', error: words }
    return { result: 'retry', error: words, after: error instanceof TryLater ? error.retryAfter : null }
  }
}
