import type { Channel } from '../core/channel.ts'
import type { Plugins } from '../core/plugins.ts'
import type { Step, Story } from '../core/story.ts'
import { render } from '../core/text.ts'
import { entrySchema, stepPolicySchema } from './entry-schema.ts'
import { definitions, type Json, jsonForm } from './json-form.ts'
import { topSchema } from './schema.ts'

/**
 * The JSON schema (draft 7, which editors know best) of a configuration file with these kinds of stories and channels.
 * Throws `PluginFault` where one of them cannot be loaded.
 */
export async function jsonSchema(stories: Plugins<Story>, channels: Plugins<Channel>): Promise<Json> {
  const top = jsonForm(topSchema)
  const [storyKinds, channelKinds] = await Promise.all([loadAll(stories), loadAll(channels)])
  const { properties } = top as { readonly properties: Readonly<Record<string, Json>> }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'healthz',
    ...top,
    properties: {
      ...properties,
      stories: { ...properties['stories'], items: entryForm(storyKinds) },
      channels: { ...properties['channels'], additionalProperties: channelForm(channelKinds) },
    },
    definitions: { ...definitions, ...stepWords },
  }
}

type Kinds<Plugin> = readonly (readonly [kind: string, plugin: Plugin])[]

async function loadAll<Plugin>(plugins: Plugins<Plugin>): Promise<Kinds<Plugin>> {
  const names = await plugins.names()
  return Promise.all(names.map(async (name) => [name, await plugins.load(name)] as const))
}

function entryForm(kinds: Kinds<Story>): Json {
  const form = jsonForm(entrySchema)
  const story = { enum: kinds.map(([kind]) => kind), description: 'the kind of story' }
  return {
    ...form,
    properties: { ...(form['properties'] as Json), story },
    allOf: kinds.map(([kind, plugin]) => choice('story', kind, storyForm(plugin))),
  }
}

/** What an entry of this story may hold: its own `with` and `steps`. */
function storyForm({ title, options, steps }: Story): Json {
  const form = jsonForm(options)
  const isNeeded = Array.isArray(form['required']) && form['required'].length > 0
  const own = Object.entries(steps).map(([name, step]) => [name, stepForm(step)] as const)
  return {
    properties: {
      with: { ...form, description: render(title) },
      steps: {
        type: 'object',
        properties: { connect: settingsForm({}), ...Object.fromEntries(own) },
        additionalProperties: false,
      },
    },
    ...(isNeeded && { required: ['with'] }),
  }
}

function stepForm({ title, limits }: Step): Json {
  const settings = settingsForm(limits === undefined ? {} : { type: 'object', ...jsonForm(limits) })
  return { description: render(title), anyOf: [{ enum: ['on', 'off', true, false] }, settings] }
}

/** What every step understands. */
const stepWords = jsonForm(stepPolicySchema)['properties'] as Json

/** What every step understands, and the limits of this one. */
function settingsForm(limits: Json): Json {
  const words = Object.keys(stepWords).map((word) => [word, { $ref: `#/definitions/${word}` }])
  const properties = { ...Object.fromEntries(words), ...(limits['properties'] as Json | undefined) }
  const isKnown = 'properties' in limits || Object.keys(limits).length === 0
  return { type: 'object', ...(isKnown && { additionalProperties: false }), ...limits, properties }
}

function channelForm(kinds: Kinds<Channel>): Json {
  return {
    type: 'object',
    properties: { use: { enum: kinds.map(([kind]) => kind), description: 'the kind of channel' } },
    required: ['use'],
    allOf: kinds.map(([kind, { options }]) => choice('use', kind, withUse(jsonForm(options)))),
  }
}

/** The options of a channel stand beside `use`. */
function withUse(form: Json): Json {
  for (const word of ['anyOf', 'oneOf', 'allOf']) {
    const branches = form[word]
    if (Array.isArray(branches)) return { ...form, [word]: branches.map((branch: Json) => withUse(branch)) }
  }
  return 'properties' in form ? { ...form, properties: { use: true, ...(form['properties'] as Json) } } : form
}

/** What holds where the key has this value. */
function choice(key: string, value: string, then: Json): Json {
  return { if: { properties: { [key]: { const: value } }, required: [key] }, then }
}
