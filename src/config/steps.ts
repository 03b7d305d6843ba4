import type { StepPolicy } from '../core/judge.ts'
import type { StepPlan } from '../core/plan.ts'
import type { Step, Story } from '../core/story.ts'
import { say } from '../core/text.ts'
import type { Reading } from './check.ts'
import { flagOf, get, isMapping } from './raw.ts'
import type { Path } from './source.ts'
import { checkLimits, readStepSetting, type StepSetting } from './step-setting.ts'

/** The step that every story has: whether its system can be reached. */
const connect = 'connect'

/** What an entry says of its story's steps. */
export interface Steps {
  /** The steps that can be named: those of the story and `connect`. */
  readonly names: readonly string[]
  /** How sure the judge must be of each, and how bad it is; `severity` is that of the whole entry. */
  policies(severity: StepPolicy['severity']): Readonly<Record<string, StepPolicy>>
  /** Whether each step of the story is on for an entry with these options, and its limits. */
  plans(options: unknown): Readonly<Record<string, StepPlan>>
}

/** Reads the `steps` of an entry at a path. */
export function readSteps(story: Story, raw: unknown, path: Path, reading: Reading): Steps {
  const own = Object.keys(story.steps)
  const names = own.includes(connect) ? own : [connect, ...own]
  const stepOf = (name: string) => (Object.hasOwn(story.steps, name) ? story.steps[name] : undefined)
  const settings = new Map<string, StepSetting>()
  for (const [name, value] of Object.entries(isMapping(raw) ? raw : {})) {
    const at = [...path, name]
    if (names.includes(name)) settings.set(name, readStepSetting(value, stepOf(name), at, reading))
    else tellUnknown(name, names, at, reading)
  }
  if (flagOf(get(raw, connect)) === false && stepOf(connect) === undefined) {
    reading.findings.at([...path, connect], say`the step "connect" cannot be switched off`, {
      hint: say`switch off the entry: enabled: false`,
    })
  }
  return {
    names,
    policies: (severity) =>
      Object.fromEntries(
        names
          .map((name) => [name, policyOf(settings.get(name), stepOf(name), severity)] as const)
          .filter(([, policy]) => Object.keys(policy).length > 0),
      ),
    plans: (options) =>
      Object.fromEntries(
        own.map((name) => [name, planOf(name, stepOf(name), settings.get(name), options, path, reading)]),
      ),
  }
}

function tellUnknown(name: string, names: readonly string[], path: Path, { findings }: Reading): void {
  findings.atKey(path, say`the story has no step "${name}"`, { misspelt: { word: name, known: names } })
}

/** A step that is a fact is believed at once, unless the entry says otherwise of this very step. */
function policyOf(
  setting: StepSetting | undefined,
  step: Step | undefined,
  severity: StepPolicy['severity'],
): StepPolicy {
  const policy = { severity, confirm: step?.confirm, ...setting?.policy }
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined))
}

function planOf(
  name: string,
  step: Step | undefined,
  setting: StepSetting | undefined,
  options: unknown,
  path: Path,
  reading: Reading,
): StepPlan {
  if (setting !== undefined) return { on: setting.isOn, limits: setting.limits?.value }
  if (!isOnByItself(name, step, options, path, reading)) return { on: false, limits: undefined }
  return { on: true, limits: checkLimits(step, {}, [...path, name], reading)?.value }
}

function isOnByItself(
  name: string,
  step: Step | undefined,
  options: unknown,
  path: Path,
  { findings }: Reading,
): boolean {
  if (typeof step?.on !== 'function') return step?.on ?? true
  try {
    return step.on(options)
  } catch {
    findings.at(path, say`the step "${name}" fails to say whether it is on`, {
      hint: say`write it down: on or off`,
    })
    return false
  }
}
