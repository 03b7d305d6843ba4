import type { Clock } from '../core/clock.ts'
import { neededConsent } from '../core/cure-policy.ts'
import { connectStep } from '../core/dependencies.ts'
import { addressOf, failureOf, isSettled, isUntold, kindOf } from '../core/failure.ts'
import type { Finding, Report, StepReport } from '../core/outcome.ts'
import { problemId } from '../core/outcome.ts'
import type { Entry } from '../core/plan.ts'
import { CannotTell, type Cure } from '../core/story.ts'
import { mapText, milliseconds, say } from '../core/text.ts'
import { DeadlineExceeded, within } from './deadline.ts'
import type { ExaminePorts, Memory } from './ports.ts'
import { askStep } from './step.ts'
import { wordsOf } from './words.ts'

/** One telling: facts, and the cures that the problems found carry, by problem id. */
export interface Telling {
  readonly report: Report
  readonly cures: ReadonlyMap<string, Cure>
}

/** An entry being visited: its target stays open until the visit is disposed, so that cures can use it. */
export interface Visit extends AsyncDisposable {
  /** Tells these steps, or all that are on. */
  tell(memory: Memory, signal: AbortSignal, only?: readonly string[]): Promise<Telling>
}

/** How long a refused login is left alone, so that no account gets locked. */
const loginRest = 600_000

/** Begins a visit. The target is opened at the first telling, and again after a telling that could not open it. */
export function visit(entry: Entry, ports: ExaminePorts): Visit {
  const steps = Object.keys(entry.story.steps).filter((step) => entry.steps[step]?.on !== false)
  let target: { value: unknown } | null = null

  return {
    async tell(memory, signal, only) {
      const { clock } = ports
      const [at, start] = [clock.now(), clock.elapsed()]
      const asked = only === undefined ? steps : steps.filter((step) => only.includes(step))
      const isConnectAsked = only === undefined || only.includes(connectStep)
      const told: StepReport[] = []
      const cures = new Map<string, Cure>()
      const unserved = new Set<string>()
      try {
        await within(clock, entry.deadlines.story, signal, async (storySignal) => {
          if (target === null) {
            const opening = await open(entry, memory, ports, storySignal)
            told.push(...opening.told.filter(() => isConnectAsked || !opening.isOpen))
            if (!opening.isOpen) {
              told.push(...skip(entry, asked, told, at))
              const start = startOf(entry, opening.told, ports)
              if (start !== null) cures.set(connectStep, start)
              return
            }
            target = { value: opening.target }
          } else if (isConnectAsked && saysConnected(entry)) {
            told.push(wellConnected(at, 0))
          }
          const reached = target
          const ask = async (step: string) => {
            const answer = await askStep(entry, step, reached.value, memory, ports, storySignal)
            told.push(answer.report)
            if (answer.isUnserved) unserved.add(step)
            for (const [key, cure] of answer.cures) cures.set(problemId(step, key), cure)
            saw(entry, answer.report, ports)
          }
          if (entry.story.concurrent === false) for (const step of asked) await ask(step)
          else await Promise.all(asked.map(ask))
        })
      } catch (error) {
        if (!(error instanceof DeadlineExceeded)) throw error
        told.push(...unanswered(asked, told, at, entry.deadlines.story))
      }
      const order = [connectStep, ...steps]
      const inOrder = oneCause(entry, told, unserved).toSorted(
        (a, b) => order.indexOf(a.step) - order.indexOf(b.step),
      )
      return { report: { entry: entry.name, at, took: clock.elapsed() - start, steps: inOrder }, cures }
    },

    async [Symbol.asyncDispose]() {
      const reached = target
      target = null
      if (reached !== null) await dispose(reached.value, ports.clock)
    },
  }
}

interface Opening {
  readonly isOpen: boolean
  readonly target?: unknown
  readonly told: readonly StepReport[]
}

async function open(
  entry: Entry,
  memory: Memory,
  ports: ExaminePorts,
  signal: AbortSignal,
): Promise<Opening> {
  const { clock } = ports
  const [at, start] = [clock.now(), clock.elapsed()]
  const rest = resting(memory, at)
  if (rest !== null) return { isOpen: false, told: [rest] }
  try {
    const target = await within(
      clock,
      entry.deadlines.open,
      signal,
      (openSignal) => entry.story.open?.({ options: entry.options, signal: openSignal }),
      (late) => dispose(late, clock),
    )
    const told = !saysConnected(entry) ? [] : [wellConnected(at, clock.elapsed() - start)]
    for (const report of told) saw(entry, report, ports)
    return { isOpen: true, target, told }
  } catch (error) {
    if (signal.aborted) throw error
    const report = unreached(entry, error, ports, at, clock.elapsed() - start)
    saw(entry, report, ports)
    return { isOpen: false, told: [report] }
  }
}

/** A login that was refused a short while ago is told again from memory instead of being tried again. */
function resting(memory: Memory, at: number): StepReport | null {
  const sample = memory.samples[connectStep]
  const refused = sample?.value as { refused?: Finding } | undefined
  if (sample === undefined || refused?.refused === undefined || at - sample.at >= loginRest) return null
  return {
    step: connectStep,
    outcome: 'problem',
    at,
    took: 0,
    notes: [],
    findings: [refused.refused],
    sample,
  }
}

/** Whether that its target could be opened is told for it: a story may have a step `connect` of its own, or no target. */
function saysConnected({ story }: Entry): boolean {
  return story.open !== undefined && !(connectStep in story.steps)
}

function saw(entry: Entry, { step, outcome, took }: StepReport, { observe }: ExaminePorts): void {
  observe({ type: 'step-ended', entry: entry.name, step, outcome, took })
}

function wellConnected(at: number, took: number): StepReport {
  return { step: connectStep, outcome: 'ok', at, took, notes: [], findings: [] }
}

function unreached(
  entry: Entry,
  error: unknown,
  { redact }: ExaminePorts,
  at: number,
  took: number,
): StepReport {
  const base = { step: connectStep, at, took, notes: [] }
  if (error instanceof DeadlineExceeded) {
    const summary = say`could not be reached within ${milliseconds(error.ms)}`
    const advice = say`look whether the server hangs, and at the network on the way`
    return {
      ...base,
      outcome: 'problem',
      findings: [{ key: '', severity: 'critical', summary, advice, evidence: {} }],
    }
  }
  if (error instanceof CannotTell)
    return { ...base, outcome: 'unknown', findings: [], reason: mapText(error.reason, redact) }
  const failure = failureOf(error, addressOf(error) ?? entry.name)
  if (failure === null) {
    return {
      ...base,
      outcome: 'unknown',
      findings: [],
      reason: say`the story could not open its target: ${wordsOf(error, redact)}`,
    }
  }
  if (isUntold(failure.kind)) {
    return { ...base, outcome: 'unknown', findings: [], reason: mapText(failure.summary, redact) }
  }
  const finding: Finding = {
    key: '',
    severity: failure.severity,
    summary: mapText(failure.summary, redact),
    advice: mapText(failure.advice, redact),
    evidence: { kind: failure.kind, address: redact(failure.address) },
    ...(isSettled(failure.kind) && { confirm: 1 }),
    ...(canStart(entry, failure.kind) && {
      cure: { title: startTitle(entry), consent: neededConsent(entry.resolve, connectStep, 'ask') },
    }),
  }
  const isRefused = kindOf(error)?.startsWith('auth-') === true
  return {
    ...base,
    outcome: 'problem',
    findings: [finding],
    ...(isRefused && { sample: { at, value: { refused: finding } } }),
  }
}

/** Whether there is a command to start what does not listen. A server that hangs or refuses is not started again. */
function canStart({ start, resolve }: Entry, kind: unknown): boolean {
  return kind === 'refused' && start !== null && resolve.mode !== 'off'
}

const startTitle = ({ start }: Entry) => say`run the configured start command, ${start?.[0] ?? ''}`

/** The cure of a server that does not listen, where the entry knows how to start it. */
function startOf(entry: Entry, told: readonly StepReport[], { launch }: ExaminePorts): Cure | null {
  const { start } = entry
  const kind = told.find(({ step }) => step === connectStep)?.findings[0]?.evidence['kind']
  if (start === null || !canStart(entry, kind)) return null
  return {
    title: startTitle(entry),
    consent: 'ask',
    settle: 2000,
    run: ({ signal }) => launch(start, signal),
  }
}

/** Steps that were not served because of what `connect` already tells are not asked, not blind: one cause, one problem. */
function oneCause(
  entry: Entry,
  told: readonly StepReport[],
  unserved: ReadonlySet<string>,
): readonly StepReport[] {
  const isDown = told.some(({ step, outcome }) => step === connectStep && outcome === 'problem')
  if (!isDown) return told
  const reason = say`not asked: ${entry.name} cannot be reached`
  return told.map((report) => {
    const isSame = report.step !== connectStep && report.outcome === 'unknown' && unserved.has(report.step)
    return isSame ? { ...report, outcome: 'skipped', reason } : report
  })
}

function skip(entry: Entry, asked: readonly string[], told: readonly StepReport[], at: number): StepReport[] {
  const reason = say`not asked: ${entry.name} cannot be reached`
  return missing(asked, told).map((step) => ({
    step,
    outcome: 'skipped',
    at,
    took: 0,
    notes: [],
    findings: [],
    reason,
  }))
}

function unanswered(
  asked: readonly string[],
  told: readonly StepReport[],
  at: number,
  ms: number,
): StepReport[] {
  const reason = say`the story did not end within ${milliseconds(ms)}`
  return missing(asked, told).map((step) => ({
    step,
    outcome: 'unknown',
    at,
    took: ms,
    notes: [],
    findings: [],
    reason,
  }))
}

function missing(asked: readonly string[], told: readonly StepReport[]): string[] {
  const answered = new Set(told.map((report) => report.step))
  return asked.filter((step) => !answered.has(step))
}

/** How long a target may take to close before it is left behind. */
const closeDeadline = 2000

async function dispose(target: unknown, clock: Clock): Promise<void> {
  if (typeof target !== 'object' || target === null) return
  const { [Symbol.asyncDispose]: closeAsync, [Symbol.dispose]: close } = target as Partial<
    AsyncDisposable & Disposable
  >
  try {
    await within(clock, closeDeadline, new AbortController().signal, () =>
      (closeAsync ?? close)?.call(target),
    )
  } catch {
    // A target that fails to close has nothing left to tell: the round's verdict does not depend on it.
  }
}
