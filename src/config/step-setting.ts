import { z } from 'zod'
import type { StepPolicy } from '../core/judge.ts'
import type { Step } from '../core/story.ts'
import { say } from '../core/text.ts'
import { type Checked, check, type Reading } from './check.ts'
import { stepPolicySchema } from './entry-schema.ts'
import { flagOf, isMapping } from './raw.ts'
import type { Path } from './source.ts'

/** What an entry says of one step. */
export interface StepSetting {
  readonly isOn: boolean
  readonly policy: StepPolicy
  readonly limits: Checked<unknown>
}

const noSetting: StepSetting = { isOn: false, policy: {}, limits: null }

/** Reads `on`, `off`, or a mapping with what every step understands and the step's own limits. */
export function readStepSetting(
  value: unknown,
  step: Step | undefined,
  path: Path,
  reading: Reading,
): StepSetting {
  const word = flagOf(value)
  if (word === false) return noSetting
  if (word === true) return { isOn: true, policy: {}, limits: checkLimits(step, {}, path, reading) }
  if (!isMapping(value)) {
    reading.findings.at(path, say`a step is "on", "off" or a mapping with its settings`)
    return noSetting
  }
  const [policy, limits] = split(value)
  const checked = check(stepPolicySchema, policy, path, reading)
  return { isOn: true, policy: checked?.value ?? {}, limits: checkLimits(step, limits, path, reading) }
}

/** Checks the limits of a step; those of a step without limits are none. */
export function checkLimits(
  step: Step | undefined,
  limits: object,
  path: Path,
  reading: Reading,
): Checked<unknown> {
  if (step?.limits !== undefined) return check(step.limits, limits, path, reading, policyKeys)
  const checked = check(z.strictObject({}), limits, path, reading, policyKeys)
  return checked && { value: undefined }
}

const policyKeys = Object.keys(stepPolicySchema.shape)

function split(value: Readonly<Record<string, unknown>>): readonly [policy: object, limits: object] {
  const pairs = Object.entries(value)
  return [
    Object.fromEntries(pairs.filter(([key]) => policyKeys.includes(key))),
    Object.fromEntries(pairs.filter(([key]) => !policyKeys.includes(key))),
  ]
}
