import { stripVTControlCharacters } from 'node:util'

/**
 * The text without what could colour a terminal, move its cursor or turn the reading direction: names and messages
 * of watched systems come from anywhere. Line ends and tabs stay.
 */
export function plain(text: string): string {
  return stripVTControlCharacters(text.replace(/\r\n?/g, '\n'))
    .replace(/(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu, ' ')
    .toWellFormed()
}

/** The text as one line of at most `most` characters; what is cut off leaves a `…`. */
export function oneLine(text: string, most = Number.POSITIVE_INFINITY): string {
  const line = plain(text).replace(/\s+/g, ' ').trim()
  const characters = Array.from(line)
  if (characters.length <= most) return line
  return `${characters
    .slice(0, most - 1)
    .join('')
    .trimEnd()}…`
}
