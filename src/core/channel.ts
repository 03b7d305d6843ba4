import type { z } from 'zod'
import type { AlarmKind } from './alarm.ts'
import type { Evidence, Severity } from './outcome.ts'
import type { Text } from './text.ts'

/** One way to reach people. */
export interface Channel<Options = unknown> {
  readonly title: Text
  /** What the channel's configuration may hold beside `use`. */
  readonly options: z.ZodType<Options>
  /**
   * Hands one digest over. Returning means that the other side took it. Throwing means: try again later, with
   * the same keys; `TryLater` says when, `Undeliverable` means that trying again cannot help.
   */
  send(context: SendContext<Options>): Promise<Delivery | undefined>
}

/** What there is to say of a delivery that took place. */
export interface Delivery {
  /** Receivers whom the other side refused while it took the digest for others, each with the reason. */
  readonly refused: readonly string[]
}

export interface SendContext<Options> {
  readonly options: Options
  readonly digest: Digest
  /** Aborts at the deadline of the sending. */
  readonly signal: AbortSignal
  /**
   * Whether the right to send has gone. A process that was stopped and woken learns it here sooner than by `signal`:
   * ask it right before the bytes that cannot be taken back.
   */
  isWithdrawn(): boolean
}

/** Everything that one message tells, already in the reader's language and free of secrets. */
export interface Digest {
  /** The same at every attempt to deliver this digest. */
  readonly key: string
  readonly subject: string
  /** How bad and how many: "CRITICAL 2 raised, 1 recovered". The subject holds it with the platform and one cause. */
  readonly headline: string
  /** The whole message as plain text, subject not included. */
  readonly text: string
  /** The worst of it: `ok` where everything in it is over. */
  readonly severity: Severity | 'ok'
  readonly platform: string
  readonly node: string
  readonly language: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** Open problems before those that are over, the worst first. */
  readonly alarms: readonly DigestAlarm[]
  /** What stands before the parts of an alarm: "what to do". */
  readonly labels: DigestLabels
  /** Who says so and when, as a line. */
  readonly footer: string
}

/** The names of an alarm's parts, for channels that lay them out themselves. */
export interface DigestLabels {
  readonly tried: string
  readonly advice: string
  readonly offer: string
  readonly affected: string
  readonly details: string
  readonly where: string
}

/** One alarm of a digest. Times are ISO 8601 in UTC, lengths seconds. */
export interface DigestAlarm {
  readonly dedupKey: string
  readonly occurrence: string
  readonly kind: AlarmKind
  /** The kind as a word for people: "RAISED". */
  readonly word: string
  /** Whether it needs nobody any more: healed, recovered, or no longer watched. */
  readonly isOver: boolean
  readonly entry: string
  readonly title: string
  readonly step: string
  readonly key: string
  /** Entry, step and key as a path, and the title: "cache/memory (Redis)". */
  readonly where: string
  readonly severity: Severity
  /** The severity as a word for people: "CRITICAL". */
  readonly severityWord: string
  /** What is wrong, with its figures. This and the other texts may have several lines, but no control characters. */
  readonly summary: string
  readonly advice: string
  readonly since: string
  readonly at: string
  readonly lastedSeconds: number
  /** Since when and for how long, as a sentence. */
  readonly when: string
  /** What was tried, a sentence each. */
  readonly tried: readonly string[]
  /** A cure that nobody has tried because it waits for a person's consent; null where there is none. */
  readonly offer: string | null
  /** The names of the entries that cannot work because of it. */
  readonly affected: readonly string[]
  readonly evidence: Evidence
  readonly tags: readonly string[]
}

/** Thrown by a channel when trying again cannot help: the receiver refuses this message for good. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable'
}

/** Thrown by a channel that was told when to try again. */
export class TryLater extends Error {
  override readonly name = 'TryLater'
  /** How long to wait, in milliseconds. */
  readonly retryAfter: number

  constructor(message: string, retryAfter: number) {
    super(message)
    this.retryAfter = retryAfter
  }
}

/** Declares a channel; the type of `options` flows into `send`. */
export function defineChannel<Options>(channel: Channel<Options>): Channel<Options> {
  return channel
}
