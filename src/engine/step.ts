import { z } from 'zod'
import { neededConsent } from '../core/cure-policy.ts'
import { ConnectionFailure, isUntold } from '../core/failure.ts'
import { gradeOf } from '../core/grade.ts'
import type { Evidence, Finding, StepReport } from '../core/outcome.ts'
import { problemId } from '../core/outcome.ts'
import type { Entry } from '../core/plan.ts'
import type { Redact } from '../core/secret.ts'
import {
  CannotTell,
  type Cure,
  type Pair,
  type Problem,
  type Remembered,
  type StepContext,
} from '../core/story.ts'
import { mapText, milliseconds, say, type Text } from '../core/text.ts'
import { DeadlineExceeded, within } from './deadline.ts'
import type { ExaminePorts, Memory } from './ports.ts'
import { wordsOf } from './words.ts'

export interface Answer {
  readonly report: StepReport
  /** The cures that its findings carry, by the finding's key. */
  readonly cures: ReadonlyMap<string, Cure>
  /** The target would not serve: where `connect` says the same, the step has nothing of its own to tell. */
  readonly isUnserved: boolean
}

/** Asks one step under its deadline. Whatever the step does, this gives an answer. */
export async function askStep(
  entry: Entry,
  name: string,
  target: unknown,
  memory: Memory,
  ports: ExaminePorts,
  signal: AbortSignal,
): Promise<Answer> {
  const { clock, redact } = ports
  const step = entry.story.steps[name]
  if (step === undefined) throw new Error(`${entry.name} has no step ${name}`)
  const [at, start] = [clock.now(), clock.elapsed()]
  const kept = new Notebook(entry, name, memory, ports)
  let reason: Text | null = null
  let isUnserved = false
  try {
    await within(clock, entry.deadlines.step, signal, async (stepSignal) => {
      const limits = entry.steps[name]?.limits
      const returned: unknown = await step.check(kept.context(target, entry.options, limits, stepSignal))
      if (returned !== undefined)
        throw new StepFault(`returned ${aOrAn(typeof returned)}; it should report by problem()`)
    })
  } catch (error) {
    if (signal.aborted) throw error
    reason = reasonOf(error, redact)
    isUnserved = error instanceof ConnectionFailure && !isUntold(error.kind)
  }
  return { ...kept.close(reason, at, clock.elapsed() - start), isUnserved }
}

/** A step that breaks the rules of its own API. */
class StepFault extends Error {
  override readonly name = 'StepFault'
}

const aOrAn = (word: string) => (/^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`)

function reasonOf(error: unknown, redact: Redact): Text {
  if (error instanceof CannotTell) return mapText(error.reason, redact)
  if (error instanceof DeadlineExceeded) return say`no answer within ${milliseconds(error.ms)}`
  if (error instanceof ConnectionFailure) return mapText(error.summary, redact)
  return say`the step failed: ${wordsOf(error, redact)}`
}

/** Two samples closer than this give no rate worth the name, in milliseconds. */
const leastApart = 1000

/** What a step wrote down while it was asked. Closed, it takes no more: a step left behind cannot change a report. */
class Notebook {
  readonly #entry: Entry
  readonly #step: string
  readonly #memory: Memory
  readonly #ports: ExaminePorts
  readonly #notes: Text[] = []
  readonly #findings: Finding[] = []
  readonly #cures = new Map<string, Cure>()
  #sample: Remembered<unknown> | undefined
  #isClosed = false

  constructor(entry: Entry, step: string, memory: Memory, ports: ExaminePorts) {
    this.#entry = entry
    this.#step = step
    this.#memory = memory
    this.#ports = ports
    this.#sample = memory.samples[step]
  }

  context(target: unknown, options: unknown, limits: unknown, signal: AbortSignal): StepContext {
    const { clock } = this.#ports
    return {
      target,
      options,
      limits,
      entry: this.#entry.name,
      signal,
      now: () => clock.now(),
      note: (text) => this.#write(() => this.#notes.push(this.#clean(text))),
      problem: (found) => this.#write(() => this.#add(found)),
      cannotTell: (reason) => {
        throw new CannotTell(reason)
      },
      recall: <Sample>() => (this.#memory.samples[this.#step] as Remembered<Sample> | undefined) ?? null,
      remember: (value) => this.#write(() => this.#keep(value)),
      compare: (take, isSameLife) => this.#compare(take, isSameLife ?? (() => true), signal),
      grade: (value, limits, key = '') => gradeOf(value, limits, this.#raisedAs(key)),
    }
  }

  close(reason: Text | null, at: number, took: number): Omit<Answer, 'isUnserved'> {
    this.#isClosed = true
    const outcome = this.#findings.length > 0 ? 'problem' : reason === null ? 'ok' : 'unknown'
    const report: StepReport = {
      step: this.#step,
      outcome,
      at,
      took,
      notes: this.#notes,
      findings: this.#findings,
      ...(reason !== null && { reason }),
      ...(this.#sample !== undefined && { sample: this.#sample }),
    }
    return { report, cures: this.#cures }
  }

  async #compare<Sample>(
    take: () => Promise<Sample> | Sample,
    isSameLife: (before: Sample, after: Sample) => boolean,
    signal: AbortSignal,
  ): Promise<Pair<Sample>> {
    const { clock } = this.#ports
    const remembered = this.#memory.samples[this.#step] as Remembered<Sample> | undefined
    let after = await take()
    let afterAt = clock.now()
    const isOfThisLife = remembered !== undefined && areAlike(remembered.value, after, isSameLife)
    let before = isOfThisLife ? remembered : { at: afterAt, value: after }
    if (afterAt < before.at) before = { at: afterAt, value: after }
    const wait = leastApart - (afterAt - before.at)
    if (wait > 0) {
      await clock.sleep(wait, signal)
      after = await take()
      afterAt = clock.now()
    }
    this.#write(() => this.#keep(after))
    return { before: before.value, after, apart: Math.max(1, afterAt - before.at) }
  }

  #keep(value: unknown): void {
    this.#sample = { at: this.#ports.clock.now(), value }
  }

  #write(act: () => void): void {
    if (!this.#isClosed) act()
  }

  #clean(text: Text): Text {
    return mapText(text, this.#ports.redact)
  }

  #raisedAs(key: string) {
    const before = this.#memory.state.problems[problemId(this.#step, key)]
    return before?.phase === 'raised' ? before.severity : null
  }

  #add(found: Problem): void {
    const checked = problemShape.safeParse(found)
    if (!checked.success) {
      const [issue] = checked.error.issues
      throw new StepFault(
        `reported a problem that is not one: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
      )
    }
    const { key = '', severity, summary, advice, evidence = {}, confirm, spell, resolve } = found
    const offersCure = resolve !== undefined && this.#entry.resolve.mode !== 'off'
    this.#findings.push({
      key,
      severity,
      summary: this.#clean(summary),
      advice: this.#clean(advice),
      evidence: cleanEvidence(evidence, this.#ports.redact),
      ...(confirm !== undefined && { confirm }),
      ...(spell !== undefined && { spell }),
      ...(offersCure && {
        cure: {
          title: this.#clean(resolve.title),
          consent: neededConsent(this.#entry.resolve, this.#step, resolve.consent),
        },
      }),
    })
    if (offersCure) this.#cures.set(key, resolve)
  }
}

function areAlike<Sample>(
  before: Sample,
  after: Sample,
  isSameLife: (before: Sample, after: Sample) => boolean,
): boolean {
  try {
    return isSameLife(before, after)
  } catch {
    // A sample that an older version of the step remembered has another shape: not of this life.
    return false
  }
}

function cleanEvidence(evidence: Evidence, redact: Redact): Evidence {
  const clean = (value: Evidence[string]) => (typeof value === 'string' ? redact(value) : value)
  return Object.fromEntries(Object.entries(evidence).map(([name, value]) => [name, clean(value)]))
}

const textShape = z.union([
  z.string().min(1),
  z.object({ template: z.string().min(1), values: z.array(z.unknown()) }),
])

const problemShape = z.object({
  key: z.string().optional(),
  severity: z.enum(['warning', 'critical']),
  summary: textShape,
  advice: textShape,
  evidence: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  confirm: z.number().optional(),
  spell: z.number().optional(),
  resolve: z.object({ title: textShape, consent: z.enum(['auto', 'ask']), run: z.function() }).optional(),
})
