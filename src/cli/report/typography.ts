import { stripVTControlCharacters } from 'node:util'

/** After a space, but not between a figure and its unit. */
const afterSpaces = /(?<= )(?!(?:%|ms|s|min|h|d|B|[KMGTP]iB)(?:[\s.,;:)]|$)|(?<=\d )[\u3000-\u9fff])/
/** After a Chinese character, but not before punctuation that ends something, nor after one that begins something. */
const afterChinese =
  /(?<=[\u3000-\u9fff\uff00-\uff60])(?<![（“‘《「])(?![\s，。；：、！？）”’》」…])|(?=[（“‘《「])/
const breaks = new RegExp(`${afterSpaces.source}|${afterChinese.source}`, 'u')

/** Breaks at spaces; Chinese, which has none, is broken where the line is full. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(breaks)) {
      if (line !== '' && displayWidth(line + word.trimEnd()) > width) {
        lines.push(line.trimEnd())
        line = ''
      }
      line += word
    }
    lines.push(line.trimEnd())
  }
  return lines
}

/** The text filled up with spaces to a width. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

/** The same, with the spaces before it. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text
}

/** The text cut to a width, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break
    kept += character
  }
  return `${kept}…`
}

/** Columns that a text takes on a terminal: Chinese characters take two. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of stripVTControlCharacters(text)) {
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
        character,
      )
        ? 2
        : 1
  }
  return width
}
