import { z } from 'zod'
import { nearest } from '../core/nearest.ts'
import { PluginFault, type Plugins } from '../core/plugins.ts'
import type { Step, Story } from '../core/story.ts'
import { count, render, say, type Text } from '../core/text.ts'
import { CommandFault, type Context } from './context.ts'
import { loadAllKinds } from './load.ts'
import { displayWidth } from './report/typography.ts'
import type { RootOptions } from './root-options.ts'

/** `healthz stories`: the kinds there are; with a name, what that kind asks and what may be set. */
export async function stories(
  name: string | undefined,
  options: RootOptions,
  context: Context,
): Promise<number> {
  const { stories: kinds } = await loadAllKinds(options, context)
  const names = await kinds.names()
  const tell = (text: Text) => render(text, context.language)
  if (name === undefined) {
    const widest = Math.max(...names.map((kind) => kind.length))
    for (const kind of names) {
      await context.stdout.write(`${kind.padEnd(widest)}  ${await inOneLine(kind, kinds, tell)}\n`)
    }
    return 0
  }
  if (!names.includes(name)) {
    const near = await nearest(name, names)
    throw new CommandFault(
      near === null
        ? tell(say`healthz: there is no story "${name}"; there is: ${names}`)
        : tell(say`healthz: there is no story "${name}"; did you mean "${near}"?`),
    )
  }
  try {
    await context.stdout.write(explain(name, await kinds.load(name), tell))
    return 0
  } catch (error) {
    if (error instanceof PluginFault)
      throw new CommandFault(tell(say`${say`${error.file}: ${error.reason}`}; ${error.hint}`))
    throw error
  }
}

type Tell = (text: Text) => string

async function inOneLine(kind: string, kinds: Plugins<Story>, tell: Tell): Promise<string> {
  try {
    const { title, steps } = await kinds.load(kind)
    return tell(say`${title} (${count(Object.keys(steps).length, 'step')})`)
  } catch (error) {
    if (error instanceof PluginFault) return tell(say`cannot be used: ${error.reason}`)
    throw error
  }
}

function explain(kind: string, story: Story, tell: Tell): string {
  const scope =
    story.scope === 'node' ? say`every node tells it about itself` : say`one node tells it for the platform`
  const options = fieldsOf(story.options, tell)
  const steps = Object.entries(story.steps).flatMap(([name, step]) => stepLines(name, step, tell))
  return [
    tell(say`${kind}: ${say`${story.title} (${scope})`}`),
    '',
    tell(say`with:`),
    ...(options.length === 0 ? [`  ${tell(say`nothing to set`)}`] : columns(options)),
    '',
    tell(say`steps:`),
    ...steps,
    '',
  ].join('\n')
}

function stepLines(name: string, step: Step, tell: Tell): string[] {
  const when =
    step.on === false
      ? say`off unless it is named`
      : typeof step.on === 'function'
        ? say`on where the options ask for it`
        : say`on`
  const limits = step.limits === undefined ? [] : fieldsOf(step.limits, tell)
  return [
    `  ${tell(say`${name} (${when})`)}`,
    `      ${tell(step.title)}`,
    ...columns(limits).map((line) => `    ${line}`),
  ]
}

interface Field {
  readonly name: string
  readonly what: string
}

/** The fields of an options schema, with their types and defaults, as far as JSON schema can say them. */
function fieldsOf(schema: z.ZodType, tell: Tell): Field[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const required = new Set(json.required ?? [])
  return Object.entries(json.properties ?? {}).map(([name, property]) => {
    const shape = typeof property === 'boolean' ? {} : property
    const type = shape.title ?? shape.enum?.map(String).join(' | ') ?? String(shape.type ?? 'any')
    const need: Text = required.has(name) ? say`${type}, required` : type
    const standard = JSON.stringify(shape.default)
    const facts = standard === undefined ? need : say`${need}, default ${standard}`
    // A schema's own words are a template, which has a translation where the schema is ours.
    const about = shape.description === undefined ? null : { template: shape.description, values: [] }
    return { name, what: tell(about === null ? facts : say`${facts}: ${about}`) }
  })
}

function columns(fields: readonly Field[]): string[] {
  const widest = Math.max(0, ...fields.map(({ name }) => displayWidth(name)))
  return fields.map(({ name, what }) => `  ${name.padEnd(widest)}  ${what}`)
}
