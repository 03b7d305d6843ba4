import { oneLine } from '../core/plain.ts'
import { count, english, type Language, render, say, type Text } from '../core/text.ts'

/** One thing that is wrong with the configuration, and where. Nothing of it quotes a value that may be secret. */
export interface ConfigFault {
  readonly file: string
  /** From 1; 0 where it is about the file as a whole. */
  readonly line: number
  /** From 1; 0 where it is about the line or the file as a whole. */
  readonly column: number
  readonly message: Text
  /** What to do, or what may have been meant. */
  readonly hint?: Text
}

/** Everything that is wrong with the configuration, by file and position. */
export class ConfigFaults extends Error {
  override readonly name = 'ConfigFaults'
  readonly faults: readonly ConfigFault[]
  /** The language that the file asks for; null where it asks for none that is known. */
  readonly language: Language | null

  constructor(faults: readonly ConfigFault[], language: Language | null = null) {
    super(printFaults(faults, english))
    this.faults = faults
    this.language = language
  }
}

/** The faults as lines `file:line:column  message; hint`, aligned and sorted, and how many they are. */
export function printFaults(faults: readonly ConfigFault[], language: Language): string {
  const lines = [...faults]
    .sort(byPosition)
    .map((fault) => [placeOf(fault), wordsOf(fault, language)] as const)
  const width = Math.max(0, ...lines.map(([place]) => place.length))
  const total = say`${count(faults.length, 'fault in the configuration', 'faults in the configuration')}`
  return [...lines.map(([place, words]) => `${place.padEnd(width)}  ${words}`), render(total, language)].join(
    '\n',
  )
}

/** Orders faults by file, line and column. */
export function byPosition(a: ConfigFault, b: ConfigFault): number {
  return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column
}

function placeOf({ file, line, column }: ConfigFault): string {
  return [file, line, column].filter((part) => part !== 0).join(':')
}

/** Keys and names come from a file that anybody may have written: no line end, no colour gets through. */
function wordsOf({ message, hint }: ConfigFault, language: Language): string {
  return oneLine(render(hint === undefined ? message : say`${message}; ${hint}`, language))
}
