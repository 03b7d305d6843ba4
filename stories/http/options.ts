import { duration, limit, secret, serverUrl, z } from 'healthz'
import { jsonPath } from './json-path.ts'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

const body = z.strictObject({
  contains: z.string().min(1).optional(),
  matches: z
    .string()
    .min(1)
    .refine(isRegExp, { error: 'not a regular expression' })
    .transform((pattern) => new RegExp(pattern))
    .optional(),
  json: z.strictObject({ path: jsonPath(), is: scalar }).optional(),
})

const figure = z.strictObject({
  path: jsonPath(),
  name: z.string().min(1).meta({ description: 'how people are told of it; the path if left out' }).optional(),
  warn: limit().optional(),
  crit: limit().optional(),
  minimum: z
    .string()
    .regex(/\d/, { error: 'not a version' })
    .meta({ description: 'the least version' })
    .optional(),
  advice: z.string().min(1).optional(),
})

const shape = z.strictObject({
  url: serverUrl('http:', 'https:'),
  user: z.string().min(1).optional(),
  password: secret().optional(),
  method: z.enum(['GET', 'HEAD']).default('GET'),
  headers: z
    .record(z.string().regex(/^[\w-]+$/, { error: 'not the name of a header' }), secret())
    .meta({ description: 'sent to this host only, and never shown' })
    .default({}),
  ca: z
    .string()
    .meta({ description: 'the authority to trust, as PEM; better given as ${file:/etc/ssl/ca.pem}' })
    .optional(),
  insecure: z.boolean().meta({ description: 'accept any certificate' }).default(false),
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
})

export type Options = z.output<typeof shape>
export type Figure = Options['json'][number]

/** What `with:` of an entry may hold. */
export const options = shape.check(({ value, issues }) => {
  const readsBody = value.body !== undefined || value.json.length > 0
  if (readsBody && value.method === 'HEAD') {
    issues.push({ code: 'custom', input: undefined, path: ['method'], message: 'HEAD gives nothing to read' })
  }
})

function isRegExp(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp
  } catch {
    return false
  }
}
