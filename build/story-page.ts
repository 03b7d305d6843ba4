import type { Field } from '../src/cli/report/schema-fields.ts'
import { consentWords, type StepFacts, type StoryFacts, whenWords } from '../src/cli/report/story-facts.ts'
import { render, type Text } from '../src/core/text.ts'
import { block, code, plain, table } from './markdown.ts'

/** By this a page is known as one that may be written over. */
export const mark = '<!-- Written by `npm run docs` from the code: whatever is changed here is lost. -->'

/** The page of one kind of story, in Markdown. */
export function storyPage({ kind, title, scope, example, options, steps, rights }: StoryFacts): string {
  const limits = steps.flatMap((step) => step.limits.map((limit) => ({ step, limit })))
  return pageOf([
    `# ${code(kind)}: ${words(title)}`,
    `In a cluster, ${words(scope)}. The same in a terminal: ${code(`healthz stories ${kind}`)}. [All stories](README.md).`,
    ...(example === null ? [] : ['## Example', block('yaml', example)]),
    '## Options',
    options.length === 0 ? 'There is nothing to set under `with:`.' : 'What an entry sets under `with:`.',
    ...(options.length === 0 ? [] : [fieldTable('option', options)]),
    '## Steps',
    'Each asks one question. An entry sets them under `steps:`: `on`, `off`, or limits and ' +
      '[what every step understands](../configuration.md#steps).',
    table(['step', 'asked', 'when all is well', 'limits', 'cures'], steps.map(stepRow)),
    ...(limits.length === 0
      ? []
      : [
          '## Limits',
          table(
            ['step', 'limit', 'value', 'default', 'what it sets'],
            limits.map(({ step, limit }) => [code(step.name), ...fieldRow(limit)]),
          ),
        ]),
    ...(rights === null ? [] : ['## Least rights', block('', rights)]),
  ])
}

/** The page that leads to the others. */
export function storyIndex(stories: readonly StoryFacts[]): string {
  return pageOf([
    '# The built-in stories',
    'What each asks by default, what it asks by its options or where an entry names it, and which of its problems ' +
      'carry a cure. `healthz stories` prints the same, with the stories of your own.',
    table(
      ['story', 'watches', 'asked by default', 'asked otherwise', 'cures by itself', 'cures on consent'],
      stories.map(({ kind, title, steps }) => [
        `[${code(kind)}](${kind}.md)`,
        words(title),
        names(steps, ({ when }) => when === 'on'),
        names(steps, ({ when }) => when !== 'on'),
        names(steps, ({ cures }) => cures.some(({ consent }) => consent === 'auto')),
        names(steps, ({ cures }) => cures.some(({ consent }) => consent === 'ask')),
      ]),
    ),
  ])
}

function pageOf(blocks: readonly string[]): string {
  return `${[mark, ...blocks].join('\n\n')}\n`
}

function stepRow({ name, title, when, limits, cures }: StepFacts): readonly string[] {
  const standards = limits.map(({ name, standard }) =>
    code(standard === null ? name : `${name}: ${standard}`),
  )
  const told = cures.map(({ title, consent }) => `${words(title)}: ${words(consentWords[consent])}`)
  return [code(name), words(whenWords[when]), words(title), standards.join(', '), told.join('; ')]
}

function fieldTable(noun: string, fields: readonly Field[]): string {
  return table([noun, 'value', 'default', 'what it sets'], fields.map(fieldRow))
}

function fieldRow({ name, type, isRequired, standard, about }: Field): readonly string[] {
  const otherwise = isRequired ? 'required' : '—'
  return [
    code(name),
    words(type),
    standard === null ? otherwise : code(standard),
    about === null ? '' : words(about),
  ]
}

function names(steps: readonly StepFacts[], isWanted: (step: StepFacts) => boolean): string {
  const wanted = steps.filter(isWanted)
  return wanted.length === 0 ? '—' : wanted.map(({ name }) => code(name)).join(', ')
}

function words(text: Text): string {
  return plain(render(text))
}
