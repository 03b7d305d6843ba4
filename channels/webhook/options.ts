import { validateHeaderValue } from 'node:http'
import { duration, Secret, secret, serverUrl, z } from 'healthz'
import { unknownPlaceholders } from './template.ts'

const headers = z
  .record(
    z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'not the name of a header' }),
    z.string().refine(isHeaderValue, { error: 'not the value of a header: a line break or the like' }),
  )
  .meta({
    description: 'headers to send; one whose name speaks of a key, a token or the like is kept secret',
  })
  .transform(withSecrets)

const body = z
  .json()
  .check((context) => {
    for (const written of unknownPlaceholders(context.value)) {
      const message = `${written} stands for nothing in a digest; known are {subject}, {text}, {severity}, {alarms}, {alarms.0.summary} and more`
      context.issues.push({ code: 'custom', message, input: context.value })
    }
  })
  .meta({
    description:
      'what to send instead of the whole digest; {subject}, {text}, {alarms.0.summary} in a string stand for parts of the digest',
  })

export const webhookOptions = z.strictObject({
  url: serverUrl('http:', 'https:').meta({ description: 'where to send; may hold user:password@' }),
  method: z.enum(['POST', 'PUT']).default('POST'),
  headers: headers.prefault({}),
  body: body.optional(),
  secret: secret().optional().meta({ description: 'signs every request: X-Healthz-Signature' }),
  insecure: z.boolean().default(false).meta({ description: 'accept any certificate' }),
  ca: z.string().optional().meta({ description: 'authorities trusted beside those of the system, as PEM' }),
  timeout: duration('10s').meta({ description: 'how long the whole exchange may take' }),
})

export type WebhookOptions = z.output<typeof webhookOptions>

function isHeaderValue(value: string): boolean {
  try {
    validateHeaderValue('x', value)
    return true
  } catch {
    return false
  }
}

/** Not every header: a secret is blotted out wherever it stands, and `X-Env: shop` would blot out the platform. */
function withSecrets(headers: Readonly<Record<string, string>>): Readonly<Record<string, string | Secret>> {
  const speaks = /auth|cookie|credential|key|pass|pwd|secret|session|sign|token/i
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      speaks.test(name) ? new Secret(value) : value,
    ]),
  )
}
