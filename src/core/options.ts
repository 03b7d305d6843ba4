import { z } from 'zod'
import { Secret } from './secret.ts'
import { say, type Text } from './text.ts'

const empty = say`empty; leave it out where there is none`
const badUrl = say`not a URL that begins with ${''}`
const badPercent = say`the user or the password holds a "%" that means itself; in a URL write it as %25`

/** A password or token in an option. */
export function secret() {
  return z
    .string()
    .min(1, { error: empty.template })
    .meta({
      title: 'secret',
      description: 'better given as ${VARIABLE} or ${file:/run/secrets/name} than written down',
    })
    .transform((value) => new Secret(value))
}

/** Where a server is, with the credentials taken out of the URL. */
export interface ServerUrl {
  /** Without credentials: safe to print. */
  readonly url: URL
  readonly user: string | undefined
  readonly password: Secret | undefined
}

/** A URL of one of these schemes (`redis:`), which may hold `user:password@`. The faults it gives never quote it. */
export function serverUrl(...schemes: readonly `${string}:`[]) {
  const begins = schemes
    .map((scheme): Text => `${scheme}//`)
    .reduce((before, next) => say`${before} or ${next}`)
  return z
    .string()
    .meta({ title: 'URL', examples: schemes.map((scheme) => `${scheme}//host`) })
    .transform((text, context): ServerUrl => {
      const url = URL.parse(text)
      if (url === null || !schemes.includes(url.protocol as `${string}:`)) {
        context.addIssue({ code: 'custom', message: badUrl.template, params: { values: [begins] } })
        return z.NEVER
      }
      if (![url.username, url.password].every(isDecodable)) {
        context.addIssue({ code: 'custom', message: badPercent.template })
        return z.NEVER
      }
      const user = url.username === '' ? undefined : decodeURIComponent(url.username)
      const password = url.password === '' ? undefined : new Secret(decodeURIComponent(url.password))
      url.username = ''
      url.password = ''
      return { url, user, password }
    })
}

/** What says whether a server's certificate is trusted, for the options of what speaks TLS. */
export function tlsOptions() {
  return {
    ca: z
      .string()
      .meta({ description: 'the authority to trust, as PEM; better given as ${file:/etc/ssl/ca.pem}' })
      .optional(),
    insecure: z.boolean().meta({ description: 'accept any certificate' }).default(false),
  }
}

/** A program that a supervisord keeps, which a cure may start. */
export function supervisedProgram() {
  return z.strictObject({
    supervisor: serverUrl('unix:', 'http:', 'https:'),
    user: z.string().min(1).optional(),
    password: secret().optional(),
    program: z
      .string()
      .min(1)
      .meta({ description: 'as supervisorctl names it: name, group:name or group:*' }),
  })
}

/** Whether each `%` begins the code of a character. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
