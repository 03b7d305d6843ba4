import { nearest } from '../core/nearest.ts'
import { PluginFault, type Plugins } from '../core/plugins.ts'
import type { Story } from '../core/story.ts'
import { render, say, type Text } from '../core/text.ts'
import { CommandFault, type Context } from './context.ts'
import { loadAllKinds } from './load.ts'
import { factsOf, type StoryFacts } from './report/story-facts.ts'
import { type BrokenKind, storiesText, storyText } from './report/story-text.ts'
import type { RootOptions } from './root-options.ts'

/** `healthz stories`: the kinds there are; with a name, what that kind asks and what may be set. */
export async function stories(
  name: string | undefined,
  options: RootOptions,
  context: Context,
): Promise<number> {
  const { language, stdout } = context
  const { stories: kinds } = await loadAllKinds(options, context)
  const names = await kinds.names()
  const tell = (text: Text) => render(text, language)
  const style = { colour: stdout.colour, width: stdout.columns, language }
  if (name === undefined) {
    const known = await Promise.all(names.map((kind) => look(kind, kinds)))
    await stdout.write(storiesText(known, style))
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
    await stdout.write(storyText(factsOf(name, await kinds.load(name)), style))
    return 0
  } catch (error) {
    if (error instanceof PluginFault)
      throw new CommandFault(tell(say`${say`${error.file}: ${error.reason}`}; ${error.hint}`))
    throw error
  }
}

async function look(kind: string, kinds: Plugins<Story>): Promise<StoryFacts | BrokenKind> {
  try {
    return factsOf(kind, await kinds.load(kind))
  } catch (error) {
    if (error instanceof PluginFault) return { kind, fault: error.reason }
    throw error
  }
}
