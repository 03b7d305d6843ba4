import type { CommanderError } from 'commander'
import { type Said, say, type Text } from '../core/text.ts'

/** What Commander found wrong with what was typed, as a text that has a translation. */
export function usageFault({ message }: CommanderError): Text {
  const words = message.replace(/^error: /, '')
  for (const [pattern, textOf] of faults) {
    const found = pattern.exec(words)
    if (found !== null) return say`healthz: ${textOf(...found.slice(1))}`
  }
  return say`healthz: ${words.replaceAll('\n', ' ')}`
}

const faults: readonly (readonly [RegExp, (...found: string[]) => Said])[] = [
  [
    /^unknown option '(.*)'\n\(Did you mean (.*)\?\)$/,
    (option = '', near = '') => say`unknown option "${option}"; did you mean "${near}"?`,
  ],
  [/^unknown option '(.*)'$/, (option = '') => say`unknown option "${option}"`],
  [/^option '(.*)' argument missing$/, (option = '') => say`the option ${option} needs a value`],
  [/^missing required argument '(.*)'$/, (name = '') => say`the argument <${name}> is missing`],
  [
    /^option '(.*)' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/,
    (option = '', value = '', choices = '') =>
      say`the option ${option} cannot be "${value}"; it is one of: ${choices.split(', ')}`,
  ],
  [
    /^option '(.*)' argument '(.*)' is invalid\. (.*)$/,
    (option = '', value = '', reason = '') =>
      say`the option ${option} cannot be "${value}": ${{ template: reason, values: [] }}`,
  ],
  [
    /^too many arguments for '(.*)'\./,
    (command = '') => say`too many arguments for the command "${command}"`,
  ],
]
