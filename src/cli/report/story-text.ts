import { styleText } from 'node:util'
import { count, type Language, render, say, type Text } from '../../core/text.ts'
import type { Field } from './schema-fields.ts'
import { consentWords, type StepFacts, type StoryFacts, whenWords } from './story-facts.ts'
import { displayWidth, padEnd, wrap } from './typography.ts'

export interface StoryStyle {
  readonly colour: boolean
  /** Columns to wrap at. */
  readonly width: number
  readonly language: Language
}

/** A kind that cannot be used, and why. */
export interface BrokenKind {
  readonly kind: string
  readonly fault: Text
}

/** The kinds of stories: what each asks, when, and what it can cure. */
export function storiesText(kinds: readonly (StoryFacts | BrokenKind)[], style: StoryStyle): string {
  const page = pageOf(style)
  const widest = Math.max(0, ...kinds.map(({ kind }) => displayWidth(kind)))
  return kinds
    .map((one) => {
      const head = page.bold(padEnd(one.kind, widest))
      if ('fault' in one)
        return `${hanging(`${head}  `, page.tell(say`cannot be used: ${one.fault}`), page).join('\n')}\n`
      const title = page.tell(say`${one.title} (${count(one.steps.length, 'step')})`)
      return [`${head}  ${title}`, ...summaryLines(one.steps, page), ''].join('\n')
    })
    .join('')
}

function summaryLines(steps: readonly StepFacts[], page: Page): readonly string[] {
  const namesOf = (wanted: (step: StepFacts) => boolean) => steps.filter(wanted).map(({ name }) => name)
  const curing = (consent: string) => namesOf(({ cures }) => cures.some((cure) => cure.consent === consent))
  const rows: readonly (readonly [label: Text, names: readonly string[]])[] = [
    [say`on`, namesOf(({ when }) => when === 'on')],
    [say`by options`, namesOf(({ when }) => when === 'by-options')],
    [say`off`, namesOf(({ when }) => when === 'off')],
    [say`cures itself`, curing('auto')],
    [say`cures on consent`, curing('ask')],
  ]
  const widest = Math.max(...rows.map(([label]) => displayWidth(page.tell(label))))
  return rows
    .filter(([, names]) => names.length > 0)
    .flatMap(([label, names]) =>
      hanging(`    ${padEnd(page.tell(label), widest)}  `, page.tell(say`${names}`), page),
    )
}

/** One kind: an example, what may be set, what it asks and cures, and the rights that it needs. */
export function storyText(facts: StoryFacts, style: StoryStyle): string {
  const page = pageOf(style)
  const { tell } = page
  const { kind, title, scope, example, options, steps, rights } = facts
  const nothing = `  ${tell(say`nothing to set`)}`
  const blocks = [
    [page.bold(tell(say`${kind}: ${say`${title} (${scope})`}`))],
    example === null ? [] : [page.bold(tell(say`example:`)), ...literal(example)],
    [page.bold(tell(say`with:`)), ...(options.length === 0 ? [nothing] : fieldLines(options, '  ', page))],
    [page.bold(tell(say`steps:`)), ...steps.flatMap((step) => stepLines(step, page))],
    rights === null ? [] : [page.bold(tell(say`least rights:`)), ...literal(rights)],
  ]
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function stepLines({ name, title, when, limits, cures }: StepFacts, page: Page): readonly string[] {
  const { tell } = page
  return [
    `  ${tell(say`${page.bold(name)} (${whenWords[when]})`)}`,
    ...hanging('      ', tell(title), page),
    ...fieldLines(limits, '      ', page),
    ...cures.flatMap((cure) =>
      hanging('      ✚ ', tell(say`${cure.title}: ${consentWords[cure.consent]}`), page),
    ),
  ]
}

/** Names wider than this do not push the others to the right. */
const widestName = 26

function fieldLines(fields: readonly Field[], margin: string, page: Page): readonly string[] {
  const widths = fields.map(({ name }) => displayWidth(name)).filter((width) => width <= widestName)
  const widest = Math.max(0, ...widths)
  return fields.flatMap((field) => {
    const words = page.tell(factsOf(field))
    if (displayWidth(field.name) <= widest)
      return hanging(`${margin}${padEnd(field.name, widest)}  `, words, page)
    return [margin + field.name, ...hanging(' '.repeat(margin.length + widest + 2), words, page)]
  })
}

function factsOf({ type, isRequired, standard, about }: Field): Text {
  const need: Text = isRequired ? say`${type}, required` : type
  const facts: Text = standard === null ? need : say`${need}, default ${standard}`
  return about === null ? facts : say`${facts}: ${about}`
}

interface Page {
  readonly tell: (text: Text) => string
  readonly bold: (text: string) => string
  readonly width: number
}

function pageOf({ colour, width, language }: StoryStyle): Page {
  return {
    tell: (text) => render(text, language),
    bold: (text) => (colour ? styleText('bold', text, { validateStream: false }) : text),
    width: Math.max(60, width),
  }
}

/** The text wrapped after its head, with what follows below the text. */
function hanging(head: string, text: string, { width }: Page): readonly string[] {
  const indent = displayWidth(head)
  return wrap(text, width - indent).map((line, index) => (index === 0 ? head : ' '.repeat(indent)) + line)
}

/** To be copied as it stands. */
function literal(text: string): readonly string[] {
  return text.split('\n').map((line) => (line === '' ? '' : `  ${line}`))
}
