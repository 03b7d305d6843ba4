import { z } from 'zod'
import type { Channel } from '../core/channel.ts'
import type { Story } from '../core/story.ts'
import { type Said, say } from '../core/text.ts'

/** What the default export of a plugin's file must be. */
export interface PluginShape<Plugin> {
  /** What a plugin of this kind is called. */
  readonly noun: Said
  /** How such a file declares it. */
  readonly declare: string
  readonly schema: z.ZodType
  /** Never there: it ties the shape to its type. */
  readonly plugin?: Plugin
}

const text = z.union([
  z.string().min(1),
  z.object({ template: z.string().min(1), values: z.array(z.unknown()) }),
])

/** Of any copy of zod 4, since a story may bring its own. */
const schema = z.custom<z.ZodType>((value) => typeof value === 'object' && value !== null && '_zod' in value)

const act = z.custom((value) => typeof value === 'function')

const step = z.looseObject({
  title: text,
  limits: schema.optional(),
  on: z.union([z.boolean(), act]).optional(),
  confirm: z.int().min(1).optional(),
  check: act,
})

/** The file of a story. */
export const storyShape: PluginShape<Story> = {
  noun: say`story`,
  declare: 'export default defineStory({ ... })',
  schema: z.looseObject({
    title: text,
    scope: z.enum(['cluster', 'node']).optional(),
    options: schema,
    concurrent: z.boolean().optional(),
    open: act.optional(),
    steps: z.record(z.string().regex(/^[\w-]+$/), step).refine((steps) => Object.keys(steps).length > 0),
  }),
}

/** The file of a channel. */
export const channelShape: PluginShape<Channel> = {
  noun: say`channel`,
  declare: 'export default defineChannel({ ... })',
  schema: z.looseObject({ title: text, options: schema, send: act }),
}
