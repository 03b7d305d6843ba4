import type { z } from 'zod'
import type { Consent, Evidence, Severity } from './outcome.ts'
import type { Text } from './text.ts'

/** One kind of system: how to reach it, and the named questions to ask it. */
export interface Story<Options = unknown, Target = unknown> {
  readonly title: Text
  /** `cluster` (the default): one node tells it. `node`: every node tells it about itself. */
  readonly scope?: 'cluster' | 'node'
  /** What `with:` of an entry may hold. */
  readonly options: z.ZodType<Options>
  /** Whether the steps may run at the same time. Default true. */
  readonly concurrent?: boolean
  /**
   * Reaches the system once for all steps. What it returns is disposed after the last step where it can be
   * (`Symbol.asyncDispose` or `Symbol.dispose`). Failing to reach it is the problem of the step `connect`, and the other
   * steps are skipped.
   */
  open?(context: OpenContext<Options>): Promise<Target> | Target
  readonly steps: Readonly<Record<string, Step<Target, Options>>>
  /** For people who set it up: `healthz stories NAME` and its page of the documentation show it. */
  readonly guide?: Guide
}

export interface Guide {
  /** An entry of a configuration, in YAML. */
  readonly example: string
  /** The least rights that the steps need, as the commands that give them; left out where none are needed. */
  readonly rights?: string
}

export interface OpenContext<Options> {
  readonly options: Options
  /** Aborts at the deadline of the opening. */
  readonly signal: AbortSignal
}

/** One question. */
export interface Step<Target = unknown, Options = unknown, Limits = unknown> {
  /** What holds when all is well: "no queue waits without a consumer". */
  readonly title: Text
  /** What an entry may set under `steps: {<step>: ...}` beside the words every step knows. */
  readonly limits?: z.ZodType<Limits>
  /** Off unless the entry names it. A function decides by the entry's options. Default true. */
  readonly on?: boolean | ((options: Options) => boolean)
  /** How many tellings in a row it takes to believe a problem. A fact needs one. Default: the policy's. */
  readonly confirm?: number
  /** What its cures do, and whether they wait for a person's consent: for people to read before they allow any. */
  readonly cures?: readonly Pick<Cure, 'title' | 'consent'>[]
  /** Asks. Ends quietly when all is well; says what it found by `problem`, and what it could not by `cannotTell`. */
  check(context: StepContext<Target, Options, Limits>): Promise<void> | void
}

export interface StepContext<Target = unknown, Options = unknown, Limits = unknown> {
  readonly target: Target
  readonly options: Options
  readonly limits: Limits
  /** The entry's name. */
  readonly entry: string
  /** Aborts at the step's deadline or when the round ends. */
  readonly signal: AbortSignal
  /** Wall time in milliseconds. */
  now(): number
  /** A figure worth showing even when all is well. */
  note(text: Text): void
  problem(found: Problem): void
  /** Ends the step as `unknown`: not permitted, not in this version, not there to be read. */
  cannotTell(reason: Text): never
  /** What this step remembered at an earlier telling, in this process or another. */
  recall<Sample>(): Remembered<Sample> | null
  /** Keeps a JSON value for the next telling. */
  remember(sample: unknown): void
  /**
   * Two samples some time apart, for rates: the remembered one and a new one. Where there is none, or it is not of
   * the same life of the target (a restart resets its counters), it takes two, a moment apart.
   */
  compare<Sample>(
    take: () => Promise<Sample> | Sample,
    isSameLife?: (before: Sample, after: Sample) => boolean,
  ): Promise<Pair<Sample>>
  /** The grade of a value against limits that close at 90 % of where they opened. */
  grade(value: number, limits: Grades, key?: string): Severity | null
}

export interface Remembered<Sample> {
  readonly at: number
  readonly value: Sample
}

export interface Pair<Sample> {
  readonly before: Sample
  readonly after: Sample
  /** Milliseconds between the two; never 0. */
  readonly apart: number
}

/** Where a value becomes a problem. `below` turns both limits around: low values are bad. */
export interface Grades {
  readonly warning?: number | undefined
  readonly critical?: number | undefined
  readonly below?: boolean
}

/** What a step says when something is wrong. */
export interface Problem {
  /** Tells several problems of one step apart; leave it out where there is just one. */
  readonly key?: string
  readonly severity: Severity
  /** What is wrong, with the figure and its limit. */
  readonly summary: Text
  /** What a person should do. */
  readonly advice: Text
  readonly evidence?: Evidence
  /** How many tellings in a row it takes to believe this one. A fact needs one. */
  readonly confirm?: number
  /**
   * The wall time that names this spell of the problem, where several nodes may raise one and the same without
   * knowing of each other: their alarms have one key then. Default: when it was raised.
   */
  readonly spell?: number
  readonly resolve?: Cure
}

/** A safe act that may mend the problem. The step is asked again afterwards; only its answer counts. */
export interface Cure {
  readonly title: Text
  readonly consent: Consent
  /** Cures with one name never run at the same time on this node. Default: the entry. */
  readonly target?: string
  /** How long the world needs before asking again makes sense, in milliseconds. Default 1 s. */
  readonly settle?: number
  /** How long the whole cure may take, the act and the asking until it is mended, in milliseconds. Default 60 s. */
  readonly within?: number
  /** Acts. Throwing `DidNotHelp` says in words why it was in vain. */
  run(context: { readonly signal: AbortSignal }): Promise<void> | void
}

/** Declares a story; the types of `options` and of what `open` returns flow into the steps. */
export function defineStory<Options, Target = undefined>(
  story: Story<Options, Target>,
): Story<Options, Target> {
  return story
}

/** Declares a step in a file of its own, with limits of its own: `const step = stepOf<Target, Options>()`. */
export function stepOf<Target, Options>() {
  return <Limits = unknown>(step: Step<Target, Options, Limits>): Step<Target, Options, Limits> => step
}

/** Thrown by `cannotTell`, and by whatever knows that a question cannot be answered here. */
export class CannotTell extends Error {
  override readonly name = 'CannotTell'
  readonly reason: Text

  constructor(reason: Text) {
    super('cannot tell')
    this.reason = reason
  }
}

/** Thrown by a cure that knows why it was in vain. */
export class DidNotHelp extends Error {
  override readonly name = 'DidNotHelp'
  readonly reason: Text

  constructor(reason: Text) {
    super('did not help')
    this.reason = reason
  }
}
