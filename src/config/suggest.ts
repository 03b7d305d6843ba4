import { nearest } from '../core/nearest.ts'
import { say, type Text } from '../core/text.ts'

/** A word that is not among the known ones. */
export interface Misspelt {
  readonly word: string
  readonly known: readonly string[]
  /** Whether all known words may be told where none is near. */
  readonly isShort?: boolean
}

/** More known words than this help nobody. */
const mostKnown = 20

/** `did you mean "interval"?`, or the words there are; null where there is nothing to suggest. */
export async function suggest({ word, known, isShort = true }: Misspelt): Promise<Text | null> {
  const near = await nearest(word, known)
  if (near !== null) return say`did you mean "${near}"?`
  if (!isShort || known.length === 0 || known.length > mostKnown) return null
  return say`known here: ${[...known]}`
}
