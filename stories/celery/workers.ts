import type { Question, Replies } from './pidbox.ts'

/** The broker that the workers of an application share: what waits in it, and a way to ask them. */
export interface Broker extends AsyncDisposable {
  readonly address: string
  /** How many tasks wait in a queue; null where there is no such queue. @throws CannotTell */
  depth(queue: string): Promise<Depth | null>
  /** Asks all workers at once, shared by the steps that ask the same together. @throws CannotTell */
  ask(method: InspectMethod, signal: AbortSignal): Promise<Answers>
  /** Sends a question to some workers, for a cure. @throws CannotTell */
  tell(question: Question, signal: AbortSignal): Promise<Answers>
  /** Whether a worker that did not answer may still be connected; of a Redis just how many are is known. */
  mayListen(worker: string, answers: Answers): Promise<boolean>
  /** What only a Redis can be asked: null with another broker. */
  readonly redis: RedisOnly | null
}

/** Questions without an effect. */
export type InspectMethod = 'ping' | 'stats' | 'active' | 'active_queues' | 'registered'

export interface Depth {
  readonly waiting: number
  /** Null where the broker does not know: a Redis. */
  readonly consumers: number | null
}

export interface Answers {
  readonly replies: Replies
  /** How many workers are connected, whether they answer or not; null where the broker does not tell. */
  readonly listeners: number | null
}

export interface RedisOnly {
  /** How many tasks of all queues are handed out and not acknowledged. */
  handedOut(): Promise<number>
  /** Since when the oldest of them is handed out, and the server's time, in milliseconds; null where there is none. */
  oldest(): Promise<{ readonly since: number; readonly now: number } | null>
  /** How many asked the workers and never tidied up. */
  leftOvers(): Promise<number>
}

/** How many workers are connected and keep silent; 0 where the broker does not tell. */
export function silentOf({ replies, listeners }: Answers): number {
  return Math.max(0, (listeners ?? 0) - replies.size)
}
