import { domainToASCII } from 'node:url'
import { duration, serverUrl, z } from 'healthz'

/** A mail address, and the name before it. */
export interface Address {
  readonly name: string
  readonly address: string
}

const address = z
  .string()
  .regex(/^(?:[^<>@\r\n]*<[^\s<>@,]+@[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+)$/, {
    error: 'not a mail address; write ops@example.com or Ops <ops@example.com>',
  })
  .meta({ title: 'mail address', examples: ['ops@example.com', 'Ops <ops@example.com>'] })
  .transform(parseAddress)

const server = serverUrl('smtp:', 'smtps:')

export const mailOptions = z.strictObject({
  smtp: z
    .union([server, z.array(server).min(1)], {
      error:
        'not the URL of a mail server (smtp://host, smtps://user:password@host), nor a list of such URLs',
    })
    .transform((one) => (Array.isArray(one) ? one : [one]))
    .meta({
      description:
        'the mail server, or several that are tried in turn; the port is 465 for smtps, else 587 with a password and 25 without',
    }),
  to: z
    .union([address, z.array(address).min(1)], { error: 'not a mail address, nor a list of mail addresses' })
    .transform((one) => (Array.isArray(one) ? one : [one]))
    .meta({ description: 'who gets the mails' }),
  from: address
    .optional()
    .meta({ description: 'the sender; if left out the user of the mail server, or healthz at this host' }),
  starttls: z.enum(['required', 'offered', 'never']).optional().meta({
    description:
      'when smtp:// goes over to TLS: always, where the server offers it, or never; "required" if left out where a password would go to another host, else "offered"',
  }),
  insecure: z.boolean().default(false).meta({ description: 'accept any certificate' }),
  ca: z.string().optional().meta({ description: 'authorities trusted beside those of the system, as PEM' }),
  timeout: duration('10s').meta({ description: 'how long one server may take before the next is tried' }),
})

export type MailOptions = z.output<typeof mailOptions>

/** One of `smtp`. */
export type MailServer = MailOptions['smtp'][number]

/** The domain as it goes over the wire, so that what a server says of an address can be compared with it. */
function parseAddress(text: string): Address {
  const [, before = '', inside] = /^([^<]*)(?:<(.*)>)?$/.exec(text) ?? []
  const bare = inside ?? before
  const at = bare.lastIndexOf('@')
  const domain = bare.slice(at + 1)
  return {
    name: inside === undefined ? '' : before.trim().replace(/^"(.*)"$/, '$1'),
    address: `${bare.slice(0, at)}@${domainToASCII(domain) || domain}`,
  }
}
