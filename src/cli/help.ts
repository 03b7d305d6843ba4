import type { Argument, HelpConfiguration, Option } from 'commander'
import { type Language, render, type Said, say, type Text } from '../core/text.ts'
import { displayWidth, wrap } from './report/typography.ts'

/** Commander's own words in the reader's language, in columns that Chinese fits into. */
export function helpIn(language: Language): HelpConfiguration {
  const tell = (text: Text) => render(text, language)
  return {
    displayWidth,
    boxWrap: (text, width) => wrap(text, width).join('\n'),
    styleTitle: (title) => tell(titles[title] ?? title),
    optionDescription: (option) => tell(described(option, option.required)),
    argumentDescription: (argument) => tell(described(argument, true)),
  }
}

const titles: Readonly<Record<string, Said>> = {
  'Usage:': say`Usage:`,
  'Arguments:': say`Arguments:`,
  'Options:': say`Options:`,
  'Commands:': say`Commands:`,
}

function described({ description, argChoices, defaultValue }: Option | Argument, hasValue: boolean): Text {
  if (!hasValue || defaultValue === undefined) return description
  const standard = String(defaultValue)
  return argChoices === undefined
    ? say`${description} (default: ${standard})`
    : say`${description} (one of: ${argChoices}; default: ${standard})`
}
