import { duration, jsonPath, secret, serverUrl, tlsOptions, z } from 'healthz'

const page = z.strictObject({
  url: serverUrl('http:', 'https:'),
  path: jsonPath().meta({ description: 'where the version stands in a JSON answer' }).optional(),
  user: z.string().min(1).optional(),
  password: secret().optional(),
  headers: z
    .record(z.string().regex(/^[\w-]+$/, { error: 'not the name of a header' }), secret())
    .meta({ description: 'never shown' })
    .default({}),
  ...tlsOptions(),
})

const product = z
  .strictObject({
    name: z.string().min(1).meta({ description: 'how people are told of it' }),
    minimum: z.string().regex(/\d/, { error: 'not a version' }).meta({ description: 'the least version' }),
    http: page.meta({ description: 'a page that says the version' }).optional(),
    command: z
      .tuple([z.string().min(1)], z.string())
      .meta({ description: 'a program and its arguments that print the version; no shell is used' })
      .optional(),
    file: z
      .string()
      .min(1)
      .meta({ description: 'a file on the node that tells this, which holds the version' })
      .optional(),
    matches: z
      .string()
      .refine(isRegExp, { error: 'not a regular expression' })
      .transform((pattern) => new RegExp(pattern, 'm'))
      .meta({ description: 'what to look for; its first group is the version' })
      .optional(),
    advice: z.string().min(1).optional(),
  })
  .check(({ value, issues }) => {
    const sources = [value.http, value.command, value.file].filter((source) => source !== undefined)
    if (sources.length !== 1) {
      const message = 'needs exactly one of http, command and file'
      issues.push({ code: 'custom', input: undefined, path: [], message })
    }
  })

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  of: z.array(product).min(1).max(50),
  timeout: duration('5s').meta({ description: 'how long a page or a program may take' }),
})

export type Options = z.output<typeof options>
export type Product = Options['of'][number]
export type Page = NonNullable<Product['http']>

function isRegExp(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp
  } catch {
    return false
  }
}
