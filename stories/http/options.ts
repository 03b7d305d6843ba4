import { duration, secret, serverUrl, tlsOptions, z } from 'healthz'
import { body, figure } from './expected.ts'
import { type PresetName, presetOf, presets } from './presets.ts'
import { resolveWith } from './resolve-with.ts'

const shape = z.strictObject({
  url: serverUrl('http:', 'https:'),
  preset: z
    .enum(Object.keys(presets) as [PresetName, ...PresetName[]]) // the keys of a constant object
    .meta({ description: 'what stands behind the URL: it brings the path, what is asked and the advice' })
    .default('web'),
  user: z.string().min(1).optional(),
  password: secret().optional(),
  method: z.enum(['GET', 'HEAD']).default('GET'),
  headers: z
    .record(z.string().regex(/^[\w-]+$/, { error: 'not the name of a header' }), secret())
    .meta({ description: 'sent to this host only, and never shown' })
    .default({}),
  ...tlsOptions(),
  expect: z
    .array(
      z.union([
        z.int().min(100).max(599),
        z.string().regex(/^[1-5]\d\d-[1-5]\d\d$/, { error: 'not a range; write it as "200-399"' }),
      ]),
    )
    .min(1)
    .meta({ description: 'statuses that are fine' })
    .default(['200-399']),
  redirects: z.int().min(0).max(20).meta({ description: 'how many to follow; 0: none' }).default(3),
  timeout: duration('4s').meta({ description: 'how long the whole answer may take, redirects included' }),
  body: body.optional(),
  json: z.array(figure).default([]),
  certFile: z
    .string()
    .min(1)
    .meta({ description: 'a certificate (PEM) on the node that tells this, whose end is watched as well' })
    .optional(),
  resolveWith: resolveWith()
    .meta({
      description:
        'what to start or restart when the server refuses or hangs, once a person consents: unit:NAME, supervisor:NAME, or a command',
    })
    .optional(),
})

export type Options = z.output<typeof shape>

/** What `with:` of an entry may hold. */
export const options = shape
  .check(({ value, issues }) => {
    const preset = presetOf(value.preset)
    const isRead = [value.body, preset.body, preset.json].some((part) => part !== undefined)
    if ((isRead || value.json.length > 0) && value.method === 'HEAD') {
      issues.push({
        code: 'custom',
        input: undefined,
        path: ['method'],
        message: 'HEAD gives nothing to read',
      })
    }
  })
  .transform(withPreset)

/** What the entry sets itself goes before. */
function withPreset(given: Options): Options {
  const preset = presetOf(given.preset)
  const { url, ...login } = given.url
  const isPathGiven = url.pathname !== '/' || url.search !== ''
  const asked = preset.path === undefined || isPathGiven ? url : new URL(preset.path, url)
  const body = given.body ?? preset.body
  const own = given.json.map(({ path }) => path.text)
  const figures = (preset.json ?? []).filter(({ path }) => !own.includes(path.text))
  return {
    ...given,
    url: { url: asked, ...login },
    ...(body !== undefined && { body }),
    json: [...given.json, ...figures],
  }
}
